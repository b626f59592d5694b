"""A token bag, layers and heads in one call equal the components alone, values and gradients."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.heads import ActorHead, ValueHead
from metta.agent.components.linear import MLP
from metta.agent.components.token_bag import TokenBag
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.token_network import TokenChain
from metta.common.env_spec import EnvSpec

MakeTokens = Callable[..., Tensor]
CHAIN = TokenChain("bag", ("mlp", "more"), ("actor", "critic"))


def network(spec: EnvSpec, *, native: bool = True, heads: bool = True) -> ComponentContainer:
    torch.manual_seed(0)
    table = FeatureTable.from_spec(spec, "log")
    parts: dict[str, MettaModule] = {
        "bag": TokenBag(table, spec.obs_shape[0], 24, activation="relu", native=native),
        "mlp": MLP(24, [20, 28]),
        "more": MLP(28, [16], "hidden", "deep"),
    }
    if heads:
        parts |= {"actor": ActorHead(16, 5, "deep", gain=1.0), "critic": ValueHead(16, "deep")}
    container = ComponentContainer({"env_obs": (None, 3)})
    for name, part in parts.items():
        container.add_component(name, part)
    return container


def outputs_of(container: ComponentContainer, obs: Tensor) -> dict[str, Tensor]:
    container._compute({"env_obs": obs})  # the first call checks each component
    return container._compute({"env_obs": obs})


@pytest.mark.parametrize("shape", [(70,), (9, 8), (3,)])
@pytest.mark.parametrize(
    "read", ["logits", "values", "hidden", "features", "logits values", "logits values hidden deep"]
)
def test_values_and_gradients_equal_those_of_the_components(
    shape: tuple[int, ...], read: str, token_spec: EnvSpec, make_tokens: MakeTokens
) -> None:
    obs = make_tokens(*shape)
    found: list[list[Tensor | None]] = []
    for native in (True, False):
        container = network(token_spec, native=native)
        outputs = outputs_of(container, obs)
        assert container._steps == (CHAIN,)
        assert sorted(outputs) == ["deep", "features", "hidden", "logits", "values"]
        assert outputs["logits"].shape == (*shape, 5)
        assert outputs["values"].shape == shape
        torch.stack([outputs[key].sin().sum() for key in read.split()]).sum().backward()
        found.append([*outputs.values(), *(parameter.grad for parameter in container.parameters())])
    for mine, theirs in zip(*found, strict=True):
        assert (mine is None) == (theirs is None)
        if mine is not None and theirs is not None:
            torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)


def test_acting_gives_the_bits_of_training(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    container, obs = network(token_spec), make_tokens(100)
    training = outputs_of(container, obs)
    with torch.inference_mode():
        acting = outputs_of(container, obs)
    assert all(torch.equal(acting[key], training[key]) for key in training)


def test_bits_do_not_depend_on_threads(token_spec: EnvSpec, make_tokens: MakeTokens, threads: None) -> None:
    container, obs = network(token_spec), make_tokens(700)
    found: list[bytes] = []
    for count in (1, 2, 3):
        torch.set_num_threads(count)
        container.zero_grad()
        outputs = outputs_of(container, obs)
        (outputs["logits"].square().sum() + outputs["values"].sum()).backward()
        grads = [parameter.grad for parameter in container.parameters()]
        found.append(b"".join(t.detach().numpy().tobytes() for t in (*outputs.values(), *grads) if t is not None))
    assert found[0] == found[1] == found[2]


@pytest.fixture
def threads() -> Iterator[None]:
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.mark.parametrize("frozen", [("bag",), ("bag", "mlp"), ("more",), ("actor",), ("critic", "bag", "mlp", "more")])
def test_frozen_components_get_no_gradient(
    frozen: tuple[str, ...], token_spec: EnvSpec, make_tokens: MakeTokens
) -> None:
    container, obs = network(token_spec), make_tokens(40)
    whole = network(token_spec)
    for name in frozen:
        container.get_component(name).requires_grad_(False)
    for net in (container, whole):
        outputs = outputs_of(net, obs)
        (outputs["logits"].sin().sum() + outputs["values"].square().sum()).backward()
    for (name, mine), theirs in zip(container.named_parameters(), whole.parameters(), strict=True):
        if name.split(".")[0] in frozen:
            assert mine.grad is None
        else:
            assert mine.grad is not None
            assert theirs.grad is not None
            assert torch.equal(mine.grad, theirs.grad)


def test_a_wrapper_takes_the_chain_apart_and_values_stay(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    container, obs = network(token_spec), make_tokens(40)
    joint = outputs_of(container, obs)
    container.wrap_component("mlp", "gradient_monitoring", {})
    apart = outputs_of(container, obs)
    assert container._steps == ("bag", "mlp", "more", ("actor", "critic"))
    for key, value in joint.items():
        torch.testing.assert_close(apart[key], value, rtol=1e-5, atol=1e-6)


def test_other_layers_end_the_chain(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    container = network(token_spec, heads=False)
    container.swap_component("more", MLP(28, [16], "hidden", "deep", activation="tanh"))
    outputs_of(container, make_tokens(40))
    assert container._steps == (TokenChain("bag", ("mlp",), None), "more")
    container.swap_component("mlp", MLP(24, [28], activation="silu"))
    outputs_of(container, make_tokens(40))
    assert container._steps == ("bag", "mlp", "more")


def test_a_copy_computes_with_its_own_weights(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    container, obs = network(token_spec), make_tokens(40)
    outputs_of(container, obs)
    other = copy.deepcopy(container)
    with torch.no_grad():
        for parameter in other.parameters():
            parameter.zero_()
    assert not other._compute({"env_obs": obs})["logits"].any()
    assert container._compute({"env_obs": obs})["logits"].any()
