"""ComponentContainer: order, running, swapping, nesting."""

from __future__ import annotations

import copy
from typing import Any, cast

import pytest
import torch
from tensordict import TensorDict
from tensordict.nn import TensorDictSequential
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer, ModularNetwork
from metta.agent.module import MettaModule, TensorMap
from metta.common.errors import KeyContractError, ShapeContractError


def actor_critic(inputs: dict[str, tuple[int | None, ...]] | None = None) -> ComponentContainer:
    network = ComponentContainer(inputs)
    network.add_component("actor", LinearModule(8, 4, "features", "logits"))
    network.add_component("critic", LinearModule(8, 1, "features", "state_value"))
    network.add_component("encoder", LinearModule(3, 8, "observation", "features", activation="relu"))
    return network


class Touch(MettaModule):
    """Notes that it ran."""

    def __init__(self, name: str, log: list[str], in_keys: list[str], out_keys: list[str]) -> None:
        super().__init__(in_keys, out_keys)
        self.label, self.log = name, log

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        self.log.append(self.label)
        return {key: torch.zeros(1) for key in map(str, self.out_keys)}


def test_runs_in_dependency_order() -> None:
    network = actor_critic()
    assert network.execution_order == ("encoder", "actor", "critic")
    out = network(TensorDict({"observation": torch.randn(2, 3)}, batch_size=[2]))
    assert out["logits"].shape == (2, 4)
    assert network.in_keys == ["observation"]
    assert network.input_shapes == {"observation": (3,)}
    assert network.output_shapes["state_value"] == (1,)


def test_explicit_dependencies_come_first() -> None:
    log: list[str] = []
    network = ComponentContainer()
    network.register_component("late", Touch("late", log, ["x"], ["a"]), dependencies=["early"])
    network.register_component("early", Touch("early", log, ["x"], ["b"]))
    network({"x": torch.zeros(1)})
    assert log == ["early", "late"]


def test_the_first_call_checks_and_later_calls_run_straight_through() -> None:
    network = actor_critic()
    with pytest.raises(ShapeContractError, match=r"component 'encoder' reads 'observation'"):
        network({"observation": torch.randn(2, 5)})
    network({"observation": torch.randn(2, 3)})
    with pytest.raises(RuntimeError, match=r"mat1 and mat2"):  # torch's own words: nobody checked before it
        network({"observation": torch.randn(2, 5)})
    with pytest.raises(ShapeContractError):
        network.validate({"observation": torch.randn(2, 5)})


def test_the_input_is_only_read_by_compute() -> None:
    td = {"observation": torch.randn(2, 3)}
    outputs = actor_critic()._compute(td)
    assert set(td) == {"observation"}
    assert set(outputs) == {"features", "logits", "state_value"}


def test_swap_returns_the_old_one_and_changes_the_output() -> None:
    network = actor_critic()
    x = {"observation": torch.randn(2, 3)}
    before = network(dict(x))["logits"]
    old = network.get_component("encoder")
    other = LinearModule(3, 8, "observation", "features")
    assert network.swap_component("encoder", other) is old
    assert network.get_component("encoder") is other
    assert not torch.equal(network(dict(x))["logits"], before)
    network["encoder"] = old  # the nn.ModuleDict way is the same swap
    assert torch.equal(network(dict(x))["logits"], before)


@pytest.mark.parametrize("declared", [True, False])
def test_a_swap_that_breaks_the_wiring_changes_nothing(declared: bool) -> None:
    network = actor_critic({"observation": (3,)} if declared else None).build()
    with pytest.raises(KeyContractError, match=r"'actor' reads 'features', which no component produces"):
        network.replace_component("encoder", LinearModule(3, 8, "observation", "other"))
    assert network.execution_order == ("encoder", "actor", "critic")
    assert network.get_component("encoder").out_keys == ["features"]


def test_parameter_names_follow_component_names() -> None:
    names = set(actor_critic().state_dict())
    assert "encoder.linear.weight" in names
    assert len(names) == 6


def test_containers_nest() -> None:
    inner = ComponentContainer()
    inner.add_component("encoder", LinearModule(3, 8, "observation", "features"))
    outer = ComponentContainer({"observation": (3,)})
    outer.add_component("actor", LinearModule(8, 4, "features", "logits"))
    outer.add_component("trunk", inner)
    assert outer.execution_order == ("trunk", "actor")
    assert outer({"observation": torch.randn(2, 3)})["logits"].shape == (2, 4)


def test_is_a_valid_tensordict_module_and_deep_copies() -> None:
    network = actor_critic()
    td = TensorDict({"observation": torch.randn(2, 3)}, batch_size=[2])
    expected = network(td.copy())["logits"]
    assert torch.equal(copy.deepcopy(network)(td.copy())["logits"], expected)
    assert torch.equal(TensorDictSequential(cast(Any, network))(td.copy())["logits"], expected)


def test_deleting_and_clearing_forget_the_plan() -> None:
    network = actor_critic()
    network.build()
    del network["critic"]
    assert network.execution_order == ("encoder", "actor")
    network.clear()
    assert network.execution_order == ()


def test_names_and_kinds_are_checked() -> None:
    network = actor_critic()
    with pytest.raises(KeyContractError, match=r"there already"):
        network.add_component("actor", LinearModule(8, 4, "features", "more"))
    with pytest.raises(KeyContractError, match=r"cannot name a component"):
        network.add_component("values", LinearModule(8, 4, "features", "more"))
    with pytest.raises(KeyContractError, match=r"expected a MettaModule"):
        network["plain"] = torch.nn.Linear(1, 1)
    with pytest.raises(KeyContractError, match=r"no component 'actr'.*Did you mean 'actor'"):
        network.get_component("actr")


def test_modular_network_is_the_same_class() -> None:
    assert ModularNetwork is ComponentContainer


def test_a_middle_component_can_be_swapped_though_the_inputs_were_never_named() -> None:
    network = ComponentContainer()
    for name, read, written in (("first", "x", "a"), ("middle", "a", "b"), ("last", "b", "c")):
        network.add_component(name, LinearModule(3, 3, read, written))
    network({"x": torch.zeros(1, 3)})
    network.swap_component("middle", LinearModule(3, 3, "a", "b"))
    network({"x": torch.zeros(1, 3)})
    with pytest.raises(KeyContractError, match="'b'"):
        network.build().swap_component("middle", LinearModule(3, 3, "a", "other"))
