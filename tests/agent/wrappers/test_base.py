"""What holds for every wrapper: it is no level of the module tree."""

from __future__ import annotations

import copy
import io
import itertools
import pickle
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import WrapperModule, trainable, unwrapped, wrappers_of
from metta.agent.wrappers.registry import WRAPPERS
from metta.common.errors import KeyContractError

NEEDED: dict[str, dict[str, Any]] = {
    "clipping": {"clip_ranges": {"logits": (-0.1, 0.1)}},
    "gradient_accumulation": {"accumulation_steps": 2},
    "gradient_clipping": {"max_norm": 0.1},
    "learning_rate": {"learning_rate": 1e-3},
    "training_phase": {"phase_behaviors": {"training": {"input_noise": 0.1, "output_smoothing": 0.5}}},
}
"""What wrappers need beside ``inner``, for a component that writes ``logits``."""
KINDS = sorted(WRAPPERS)


def wrap(component: MettaModule, kind: str, **more: Any) -> WrapperModule:
    return WRAPPERS[kind](component, **NEEDED.get(kind, {}), **more)


def stack_of(component: MettaModule, kinds: tuple[str, ...], **more: Any) -> MettaModule:
    for kind in kinds:
        component = wrap(component, kind, **more)
    return component


def linear() -> LinearModule:
    torch.manual_seed(0)
    return LinearModule(3, 4, "features", "logits")


class Doubled(WrapperModule):
    """Twice the outputs."""

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {key: 2 * value for key, value in self.inner._compute(td).items()}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_leaves_names_shapes_and_keys_alone(kind: str, block: Any) -> None:
    parameters, buffers = dict(block.named_parameters()), dict(block.named_buffers())
    names = [name for name, _ in block.named_modules()]
    wrapper = wrap(block, kind)
    assert {name: id(p) for name, p in wrapper.named_parameters()} == {name: id(p) for name, p in parameters.items()}
    assert list(dict(wrapper.named_buffers())) == list(buffers)
    assert [name for name, _ in wrapper.named_modules()] == names
    assert wrapper.in_keys == block.in_keys
    assert list(wrapper.out_keys_source) == list(block.out_keys_source)
    assert (wrapper.input_shapes, wrapper.output_shapes) == (block.input_shapes, block.output_shapes)
    assert wrapper.wrapped_component is block


@pytest.mark.parametrize("order", list(itertools.permutations(("clipping", "no_grad", "eval_mode"))))
def test_names_hold_in_every_nesting_order(order: tuple[str, ...], block: Any) -> None:
    names = list(block.state_dict())
    wrapped = stack_of(block, order)
    assert list(wrapped.state_dict()) == names
    assert unwrapped(wrapped) is block
    assert [wrapper.kind for wrapper in wrappers_of(wrapped)] == list(reversed(order))


@settings(max_examples=25, deadline=None)
@given(kinds=st.lists(st.sampled_from(KINDS), max_size=6), data=st.data())
def test_random_stacks_in_random_order(kinds: list[str], data: st.DataObject) -> None:
    """Parameters keep names and values, inactive stacks compute what the bare component does, bit for bit."""
    bare, again = linear(), linear()
    wrapped = stack_of(again, tuple(kinds), active=False)
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    expected = bare._compute({"features": x})["logits"]
    assert torch.equal(wrapped._compute({"features": x})["logits"], expected)
    assert torch.equal(wrapped({"features": x})["logits"], expected)
    shuffled = stack_of(linear(), tuple(data.draw(st.permutations(kinds))))
    shuffled({"features": x})
    for name, value in bare.state_dict().items():
        assert torch.equal(value, wrapped.state_dict()[name])
        assert torch.equal(value, shuffled.state_dict()[name])
    loss = wrapped({"features": x})["logits"].square().mean()
    loss.backward()
    bare._compute({"features": x})["logits"].square().mean().backward()
    for one, other in zip(wrapped.parameters(), bare.parameters(), strict=True):
        assert one.grad is not None
        assert other.grad is not None
        assert torch.equal(one.grad, other.grad)


@pytest.mark.parametrize("kind", KINDS)
def test_state_dicts_cross_between_wrapped_and_bare(kind: str) -> None:
    bare, wrapped = linear(), wrap(LinearModule(3, 4, "features", "logits"), kind)
    wrapped.load_state_dict(bare.state_dict())
    assert torch.equal(unwrapped(wrapped).get_parameter("linear.weight"), bare.linear.weight)
    fresh = LinearModule(3, 4, "features", "logits")
    fresh.load_state_dict(wrapped.state_dict())
    assert torch.equal(fresh.linear.weight, bare.linear.weight)


@pytest.mark.parametrize("kind", KINDS)
def test_copies_are_independent(kind: str, features: Tensor) -> None:
    wrapped = stack_of(linear(), ("clipping", kind)).eval()
    before = wrapped._compute({"features": features})["logits"]
    twins: list[Any] = [copy.deepcopy(wrapped), pickle.loads(pickle.dumps(wrapped))]  # noqa: S301 - our own bytes
    for twin in twins:
        assert [wrapper.kind for wrapper in wrappers_of(twin)] == [kind, "clipping"]
        assert wrappers_of(twin)[1].__dict__["_outermost"] is twin
        twin.load_state_dict({name: value + 1 for name, value in twin.state_dict().items()})
        assert twin.get_parameter("linear.weight") is dict(unwrapped(twin).named_parameters())["linear.weight"]
        assert not torch.equal(twin._compute({"features": features})["logits"], before) or kind == "normalization"
    assert torch.equal(unwrapped(wrapped).state_dict()["linear.weight"], linear().linear.weight)


def test_saved_and_loaded_by_torch_with_weights_only() -> None:
    wrapped, file = wrap(linear(), "no_grad"), io.BytesIO()
    torch.save(wrapped.state_dict(), file)
    file.seek(0)
    assert torch.equal(torch.load(file, weights_only=True)["linear.weight"], wrapped.linear.weight)


@pytest.mark.parametrize("kind", KINDS)
def test_dtype_and_device_moves_reach_the_parameters(kind: str) -> None:
    network = ComponentContainer()
    network.add_component("policy", wrap(linear(), kind))
    network.to(torch.float64)
    assert {parameter.dtype for parameter in network.parameters()} == {torch.float64}
    network.to("meta")
    assert {parameter.device.type for parameter in network.parameters()} == {"meta"}


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "eval_mode"])
def test_train_and_eval_reach_the_component(kind: str, block: Any) -> None:
    wrapped = stack_of(block, (kind, "clipping"))
    for mode in (False, True):
        wrapped.train(mode)
        assert [module.training for module in (wrapped, block, block.dropout)] == [mode] * 3
        assert all(wrapper.training == mode for wrapper in wrappers_of(wrapped))


def test_apply_and_requires_grad_reach_the_component(block: Any) -> None:
    wrapped = stack_of(block, ("clipping", "no_grad"))
    seen: list[nn.Module] = []
    wrapped.apply(seen.append)
    assert {block, block.linear, block.norm, block.dropout} <= set(seen)
    wrapped.requires_grad_(False)
    assert trainable(block) == []


def test_attributes_of_the_component_show_through(policy: LinearModule) -> None:
    wrapped = stack_of(policy, ("clipping", "no_grad"))
    assert wrapped.linear is policy.linear
    with pytest.raises(AttributeError, match="no_such_thing"):
        _ = wrapped.no_such_thing


def test_switched_off_it_is_passed_over(policy: LinearModule, features: Tensor) -> None:
    wrapper = Doubled(policy)
    bare = policy._compute({"features": features})["logits"]
    assert torch.equal(wrapper._compute({"features": features})["logits"], 2 * bare)
    wrapper.active = False
    assert torch.equal(wrapper._compute({"features": features})["logits"], bare)


def test_a_network_names_its_wrappers_and_tells_them_signals(policy: LinearModule) -> None:
    inner = Doubled(policy)
    outer = wrap(inner, "clipping")
    assert outer.component_name == "LinearModule"
    network = ComponentContainer()
    network.add_component("actor", outer)
    assert (inner.component_name, outer.component_name) == ("actor", "actor")
    assert inner.signals is outer.signals is network.signals


def test_a_name_given_below_holds_above(policy: LinearModule) -> None:
    assert wrap(Doubled(policy, component_name="policy"), "clipping").component_name == "policy"


def test_frozen_is_known_below_and_above(policy: LinearModule) -> None:
    below = Doubled(policy)
    freezer = wrap(below, "no_grad")
    above = Doubled(freezer)
    assert below.frozen
    assert above.frozen
    freezer.active = False
    assert not below.frozen
    assert not above.frozen
    freezer.active = True
    above.replace_inner(below)
    assert not below.frozen


def test_taking_a_wrapper_out_of_the_middle(policy: LinearModule, features: Tensor) -> None:
    low = wrap(policy, "clipping")
    outer = Doubled(wrap(low, "no_grad"))
    outer.replace_inner(low)
    assert [type(wrapper).__name__ for wrapper in outer.stack()] == ["Doubled", "ClippingWrapper"]
    assert outer._compute({"features": features})["logits"].requires_grad


def test_a_component_with_other_keys_is_refused_as_inner(policy: LinearModule) -> None:
    with pytest.raises(KeyContractError, match=r"\['features'\] -> \['values'\]. Wrap that one anew"):
        Doubled(policy).replace_inner(LinearModule(3, 1, "features", "values"))


def test_only_components_are_wrapped() -> None:
    with pytest.raises(KeyContractError, match="Doubled wraps a Linear; expected a MettaModule"):
        Doubled(nn.Linear(2, 2))  # pyright: ignore[reportArgumentType]
    with pytest.raises(KeyContractError, match="Wrap the components of a container"):
        Doubled(ComponentContainer())  # pyright: ignore[reportArgumentType]


def test_a_wrapper_without_memory_refuses_one(policy: LinearModule) -> None:
    with pytest.raises(KeyContractError, match=r"Doubled remembers nothing, but its saved state has \['step'\]"):
        Doubled(policy).load_wrapper_state({"step": torch.tensor(1)})


@pytest.mark.parametrize("kind", KINDS)
def test_clean_networks_hold_the_bare_component(kind: str, features: Tensor) -> None:
    network = ComponentContainer()
    network.add_component("policy", stack_of(linear(), (kind, "clipping")))
    clean = network.get_clean_network()
    assert clean["policy"] is unwrapped(network["policy"])
    kept = network.get_clean_network(keep=("behaviour", "training", "monitoring"))
    assert [wrapper.kind for wrapper in wrappers_of(kept["policy"])] == ["clipping", kind]
    assert unwrapped(kept["policy"]) is clean["policy"]
    assert [wrapper.kind for wrapper in wrappers_of(network["policy"])] == ["clipping", kind]
    expected = unwrapped(network["policy"])._compute({"features": features})["logits"]
    assert torch.equal(clean({"features": features})["logits"], expected)
