"""The middle of the triangle: intent becomes wrappers, wrappers report, state comes back."""

from __future__ import annotations

import json
from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor, nn

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.control.controller import load_wrapper_states, wrapper_states
from metta.agent.control.exchange import plain
from metta.agent.control.training_control import TrainingControl
from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import wrappers_of
from metta.agent.wrappers.gradient_accumulation import GradientAccumulationWrapper
from metta.common.errors import ConfigError


class Doubled(MettaModule):
    """A component without weights."""

    def __init__(self) -> None:
        super().__init__(["observation"], ["doubled"])

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {"doubled": torch.mul(td["observation"], 2)}


class Dropped(MettaModule):
    """Dropout with a weight: eval mode shows in its output."""

    def __init__(self) -> None:
        super().__init__(["features"], ["dropped"])
        self.weight = nn.Parameter(torch.ones(1))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {"dropped": nn.functional.dropout(td["features"], 0.5, self.training) * self.weight}


@pytest.fixture
def network() -> ComponentContainer:
    net = ComponentContainer()
    net.add_component("prepare", Doubled())
    net.add_component("encoder", LinearModule(3, 8, "doubled", "features"))
    net.add_component("policy", LinearModule(8, 4, "features", "logits"))
    net.add_component("auxiliary", Dropped())
    return net


def kinds(network: ComponentContainer, name: str) -> list[str]:
    return [str(wrapper.kind) for wrapper in wrappers_of(network[name])]


@pytest.mark.parametrize("make", [dict, TensorDict])
def test_signals_of_a_call_are_carried_out_and_answered(network: ComponentContainer, make: Any) -> None:
    td = make(
        {
            "observation": torch.randn(5, 3),
            "_component_lr": {"policy": 3e-4},
            "_frozen_components": ["encoder"],
            "_gradient_accumulation": {"policy": 4},
            "_gradient_clip": {"policy": 1.0},
            "_eval_mode_components": ["auxiliary"],
            "_output_clipping": {"logits": (-0.01, 0.01)},
            "_training_phase": "fine_tuning",
            "_step": 50_000,
        }
    )
    result = network(td)
    assert result is td
    assert result["logits"].abs().max() <= 0.01
    assert plain(result["_component_lr_actual"]) == {"policy": 3e-4}
    assert plain(result["_component_status"]) == {"encoder": "frozen", "auxiliary": "eval"}
    assert plain(result["_gradient_clip_actual"]) == {"policy": 1.0}
    assert plain(result["_grad_accumulation_status"])["policy"]["every"] == 4
    assert plain(result["_wrapper_status"])["encoder"] == {"NoGradWrapper": "active"}
    assert (network.signals.training_phase, network.signals.step) == ("fine_tuning", 50_000)
    before = {name: wrappers_of(component) for name, component in network.items()}
    network(td)
    assert before == {name: wrappers_of(component) for name, component in network.items()}, "hearing twice is once"


def test_parameters_keep_their_names(network: ComponentContainer) -> None:
    names = [name for name, _ in network.named_parameters()]
    network.controller.apply(
        TrainingControl(frozen_components=("all",), component_lr={"all": 1e-3}, gradient_clip={"all": 1.0})
    )
    assert [name for name, _ in network.named_parameters()] == names
    assert "encoder.linear.weight" in names


def test_all_faults_come_in_one_message_and_nothing_changes(network: ComponentContainer) -> None:
    nested = ComponentContainer()
    nested.add_component("inner", LinearModule(4, 2, "logits", "more"))
    network.add_component("roles", nested)
    control = TrainingControl(
        frozen_components=("encoder", "encodr"),
        component_lr={"critic": 1e-4, "prepare": 1e-4, "policy": 1e-4, "roles": 1.0},
        output_clipping={"logit": (-1.0, 1.0)},
        deactivate_wrappers={"policy": ("ClippingWrapper",), "nobody": ("X",)},
    )
    with pytest.raises(ConfigError) as caught:
        network.controller.apply(control)
    for told in (
        "frozen_components names component 'encodr'",
        "Did you mean 'encoder'",
        "component_lr names component 'critic'",
        "'prepare', which has no weights",
        "'roles', a network of ['inner']",
        "output_clipping names output 'logit'",
        "deactivate_wrappers.policy names wrapper 'ClippingWrapper'; there are []",
        "deactivate_wrappers names component 'nobody'",
    ):
        assert told in str(caught.value)
    assert not network.wrappers()


def test_what_is_said_of_all_spares_those_that_are_named(network: ComponentContainer) -> None:
    report = network.controller.apply(TrainingControl(component_lr={"all": 1e-3, "policy": 1e-4}))
    assert report.component_lr_actual == {"encoder": 1e-3, "policy": 1e-4, "auxiliary": 1e-3}
    report = network.controller.apply(TrainingControl(component_lr={"encoder": None}))
    assert report.component_lr_actual == {"policy": 1e-4, "auxiliary": 1e-3}
    assert network.controller.apply(TrainingControl(component_lr={"all": None})).component_lr_actual == {}
    assert not network.wrappers()


def test_absent_fields_leave_things_alone_and_empty_ones_end_them(network: ComponentContainer) -> None:
    apply = network.controller.apply
    apply(
        TrainingControl(
            frozen_components=("encoder",),
            eval_mode_components=("auxiliary",),
            output_clipping={"logits": (-1.0, 1.0)},
            gradient_accumulation={"policy": 2},
            gradient_clip={"policy": 0.5},
        )
    )
    assert apply(TrainingControl(frozen_components=("policy",))).component_status == {
        "encoder": "frozen",
        "policy": "frozen",
        "auxiliary": "eval",
    }
    assert apply(TrainingControl(unfrozen_components=("encoder",))).component_status == {
        "policy": "frozen",
        "auxiliary": "eval",
    }
    report = apply(
        TrainingControl(
            unfrozen_components=("all",),
            eval_mode_components=(),
            output_clipping={},
            gradient_accumulation={"policy": 1},
            gradient_clip={"policy": 0.0},
        )
    )
    assert report.signals() == {}
    assert not network.wrappers()


def test_eval_mode_ends_with_the_mode_of_the_network(network: ComponentContainer) -> None:
    td = {"observation": torch.randn(64, 3)}
    apply = network.controller.apply
    apply(TrainingControl(eval_mode_components=("auxiliary",), gradient_clip={"auxiliary": 1.0}))
    assert (network(dict(td))["dropped"] != 0).all()
    network.train()
    assert (network(dict(td))["dropped"] != 0).all(), "train() of the network changes nothing"
    apply(TrainingControl(eval_mode_components=()))
    assert (network(dict(td))["dropped"] == 0).any()
    network.eval()
    apply(TrainingControl(eval_mode_components=("auxiliary",)))
    apply(TrainingControl(eval_mode_components=()))
    assert (network(dict(td))["dropped"] != 0).all(), "the network itself is in eval mode"


def test_wrappers_put_there_by_hand_are_switched_not_taken_off(network: ComponentContainer) -> None:
    network.wrap_component("encoder", "no_grad")
    network.wrap_component("policy", "clipping", {"clip_ranges": {"logits": (-0.1, 0.1)}})
    apply = network.controller.apply
    assert apply(TrainingControl(frozen_components=("encoder",))).component_status == {"encoder": "frozen"}
    assert apply(TrainingControl(unfrozen_components=("encoder",))).component_status == {}
    assert kinds(network, "encoder") == ["no_grad"]
    report = apply(TrainingControl(deactivate_wrappers={"policy": ("ClippingWrapper",)}))
    assert report.wrapper_status == {
        "encoder": {"NoGradWrapper": "inactive"},
        "policy": {"ClippingWrapper": "inactive"},
    }
    report = apply(TrainingControl(activate_wrappers={"all": ("clipping", "no_grad")}))
    assert report.wrapper_status == {"encoder": {"NoGradWrapper": "active"}, "policy": {"ClippingWrapper": "active"}}
    network.controller.reset()
    assert report == network.controller.report(), "a reset takes off only what control put there"
    assert network.unwrap_component("policy")
    assert not network.unwrap_component("policy")


def test_frozen_stays_frozen_whatever_lies_around_it(network: ComponentContainer) -> None:
    apply = network.controller.apply
    apply(TrainingControl(frozen_components=("auxiliary",)))
    apply(TrainingControl(eval_mode_components=("auxiliary",), component_lr={"auxiliary": 1e-3}))
    assert kinds(network, "auxiliary") == ["eval_mode", "learning_rate", "no_grad"]
    assert network.controller.report().component_status == {"auxiliary": "frozen"}
    assert network.controller.is_frozen("auxiliary")
    assert network.controller.is_frozen("prepare"), "without weights there is nothing to learn"
    assert not network.controller.is_frozen("encoder")


def test_state_comes_back_through_json(network: ComponentContainer) -> None:
    def build() -> ComponentContainer:
        net = ComponentContainer()
        net.add_component("encoder", LinearModule(3, 8, "observation", "features"))
        net.add_component("policy", LinearModule(8, 4, "features", "logits"))
        net.wrap_component("policy", "clipping", {"clip_ranges": {"logits": (-5.0, 5.0)}})
        return net

    first, second = build(), build()
    controls = (
        TrainingControl(frozen_components=("encoder",), component_lr={"all": 1e-3}, training_phase="late"),
        TrainingControl(gradient_accumulation={"policy": 3}, gradient_clip={"encoder": 2.0}),
        TrainingControl(output_clipping={"logits": (-1.0, 1.0)}, eval_mode_components=("policy",)),
        TrainingControl(deactivate_wrappers={"policy": ("GradientAccumulationWrapper",)}),
    )
    for control in controls:
        first.controller.apply(control)
    second.controller.apply(TrainingControl(frozen_components=("policy",)))  # what was there before goes
    state = json.loads(json.dumps(first.controller.state_dict()))
    second.controller.load_state_dict(state)
    assert second.controller.report() == first.controller.report()
    assert json.loads(json.dumps(second.controller.state_dict())) == state
    assert [kinds(second, name) for name in second] == [kinds(first, name) for name in first]
    assert second.signals.training_phase == "late"


def test_foreign_state_is_refused(network: ComponentContainer) -> None:
    state = network.controller.state_dict() | {"active": {"policy": [True]}}
    with pytest.raises(ConfigError, match="has 0 wrappers, the saved state has 1"):
        network.controller.load_state_dict(state)


def test_wrapper_states_tell_wrappers_of_one_kind_apart(network: ComponentContainer) -> None:
    """One from the config, one that control put around it; and those of a network inside the network."""
    nested = ComponentContainer()
    nested.add_component("head", GradientAccumulationWrapper(LinearModule(4, 2, "logits", "more"), 5))
    network.add_component("roles", nested)
    network.wrap_component("policy", "gradient_accumulation", {"accumulation_steps": 2})
    network.controller.apply(TrainingControl(gradient_accumulation={"policy": 3}))
    inner, outer, head = network.wrappers()
    assert [wrapper.component_name for wrapper in (inner, outer, head)] == ["policy", "policy", "head"]
    for wrapper, step in zip((inner, outer, head), (7, 8, 9), strict=True):
        wrapper.load_wrapper_state({"step": torch.tensor(step)})
    states = {key: value.clone() for key, value in wrapper_states(network).items()}
    assert sorted(states) == [
        "policy/0.gradient_accumulation/step",
        "policy/1.gradient_accumulation/step",
        "roles.head/0.gradient_accumulation/step",
    ]
    for wrapper in (inner, outer, head):
        wrapper.load_wrapper_state({"step": torch.tensor(0)})
    load_wrapper_states(network, states)
    assert {key: int(value) for key, value in wrapper_states(network).items()} == {
        key: int(value) for key, value in states.items()
    }


def test_containers_are_not_wrapped(network: ComponentContainer) -> None:
    nested = ComponentContainer()
    nested.add_component("inner", LinearModule(4, 2, "logits", "more"))
    network.add_component("roles", nested)
    with pytest.raises(ConfigError, match="wrap the components inside it"):
        network.wrap_component("roles", "no_grad")


@pytest.mark.parametrize(
    "control",
    [
        TrainingControl(agent_populations={"explorers": 2}),
        TrainingControl(parameter_sharing={"encoder": "all_agents"}),
        TrainingControl(sync_frequency={"policy": 50}),
    ],
)
def test_populations_are_refused_where_there_are_none(network: ComponentContainer, control: TrainingControl) -> None:
    with pytest.raises(ConfigError, match=r"weights per population|is no PerPopulation component; there are \[\]"):
        network.controller.apply(control)
