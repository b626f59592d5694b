"""TokenBag equals a linear layer on the whole one-hot box: values and gradients, native and torch."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.components.token_bag import TokenBag
from metta.agent.policy_config import NumericScale
from metta.common import _kernels
from metta.common.env_spec import EnvSpec, FeatureSpec

MakeTokens = Callable[..., Tensor]

# Hypothesis keeps no function-scoped fixtures: a spec of its own, small enough that tokens often meet in a row.
SPEC = EnvSpec(
    name="small",
    obs_kind="tokens",
    obs_shape=(6, 3),
    obs_dtype="uint8",
    window=(3, 3),
    features=(
        FeatureSpec(id=0, name="type", kind="categorical", scope="cell", num_values=3),
        FeatureSpec(id=1, name="count", kind="numeric", scope="cell", normalization=4, zero_point=2),
        FeatureSpec(id=2, name="time", kind="numeric", scope="global", normalization=8),
        FeatureSpec(id=3, name="last", kind="categorical", scope="global", num_values=2),
    ),
    action_names=("noop",),
    num_agents=1,
)
BYTES = st.sampled_from([0x00, 0x01, 0x02, 0x03, 0x12, 0x21, 0x22, 0x30, 0xFE, 0xFF])
TOKENS = st.lists(st.tuples(BYTES, st.sampled_from([0, 1, 2, 3, 4, 0xFF]), st.integers(0, 9)), max_size=6)


def bag_of(spec: EnvSpec, width: int, native: bool = True, scale: NumericScale = "log") -> TokenBag:
    torch.manual_seed(0)
    bag = TokenBag(FeatureTable.from_spec(spec, scale), spec.obs_shape[0], width, native=native)
    torch.nn.init.normal_(bag.bias)
    return bag


def flat_box(spec: EnvSpec) -> ObsToBox:
    return ObsToBox(FeatureTable.from_spec(spec, "log"), spec.obs_shape[0], layout="flat")


def with_gradients(bag: TokenBag, obs: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    bag.zero_grad()
    out = bag._compute({"env_obs": obs})["features"]
    out.backward(grad_out)
    assert bag.weight.grad is not None
    assert bag.bias.grad is not None
    return out.detach(), bag.weight.grad.clone(), bag.bias.grad.clone()


def dense_reference(bag: TokenBag, to_box: ObsToBox, obs: Tensor, grad_out: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """ObsToBox, then nn.Linear with the same weights, in double precision."""
    box = to_box({"env_obs": obs})["box"].double()
    weight, bias = bag.weight.detach().double().requires_grad_(), bag.bias.detach().double().requires_grad_()
    out = torch.nn.functional.linear(box, weight.T, bias)
    out.backward(grad_out.double())
    assert weight.grad is not None
    assert bias.grad is not None
    return out.detach().float(), weight.grad.float(), bias.grad.float()


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("width", [1, 7, 16, 20, 64, 96, 144])
def test_equals_a_dense_linear_layer(token_spec: EnvSpec, make_tokens: MakeTokens, width: int, native: bool) -> None:
    bag, obs = bag_of(token_spec, width, native), make_tokens(5, 13)
    grad_out = torch.randn(5, 13, width, generator=torch.Generator().manual_seed(1))
    expected = dense_reference(bag, flat_box(token_spec), obs, grad_out)
    for got, want in zip(with_gradients(bag, obs, grad_out), expected, strict=True):
        torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


SMALL_BOX = flat_box(SPEC)
SMALL_BAGS = [bag_of(SPEC, 5, native) for native in (True, False)]


@settings(max_examples=200, deadline=None)
@given(st.lists(TOKENS, min_size=1, max_size=5))
def test_any_set_of_tokens(observations: list[list[tuple[int, int, int]]]) -> None:
    """Out-of-window, misplaced, unknown, repeated and padding tokens, also with padding between used ones."""
    padded = [tokens + [(0xFF, 0xFF, 0xFF)] * (6 - len(tokens)) for tokens in observations]
    obs = torch.tensor(padded, dtype=torch.uint8)
    grad_out = torch.arange(len(padded) * 5, dtype=torch.float32).view(-1, 5)
    expected = dense_reference(SMALL_BAGS[0], SMALL_BOX, obs, grad_out)
    for bag in SMALL_BAGS:
        for got, want in zip(with_gradients(bag, obs, grad_out), expected, strict=True):
            torch.testing.assert_close(got, want, rtol=1e-5, atol=1e-5)


def test_bits_do_not_depend_on_threads(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    """1300 observations: more than two of the blocks in which gradients are summed."""
    bag, obs = bag_of(token_spec, 48), make_tokens(1300)
    grad_out = torch.randn(1300, 48, generator=torch.Generator().manual_seed(2)).numpy()
    results = []
    for threads in (1, 2, 3, 7):
        out, grad_weight, grad_bias = np.empty((1300, 48), np.float32), np.empty(bag.weight.shape, np.float32), None
        grad_bias = np.empty(48, np.float32)
        weight, bias = bag.weight.detach().numpy(), bag.bias.detach().numpy()
        _kernels.token_bag_forward(bag.tables, obs.numpy(), weight, bias, False, out, threads)
        _kernels.token_bag_backward(bag.tables, obs.numpy(), None, grad_out, grad_weight, grad_bias, threads)
        results.append((out.tobytes(), grad_weight.tobytes(), grad_bias.tobytes()))
    assert all(result == results[0] for result in results)


def test_inference_gives_the_bits_of_training(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    bag, obs = bag_of(token_spec, 32), make_tokens(40)
    with torch.inference_mode():
        acting = bag._compute({"env_obs": obs})["features"]
    assert torch.equal(acting, bag._compute({"env_obs": obs})["features"])


def test_activation_and_its_gradient(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    obs, plain = make_tokens(9), bag_of(token_spec, 8)
    torch.manual_seed(0)
    table = FeatureTable.from_spec(token_spec, "log")
    active = TokenBag(table, token_spec.obs_shape[0], 8, activation="relu")
    active.load_state_dict(plain.state_dict())
    out, grad, _ = with_gradients(active, obs, torch.ones(9, 8))
    value = plain._compute({"env_obs": obs})["features"]
    value.relu().backward(torch.ones(9, 8))
    assert torch.equal(out, value.detach().relu())
    assert plain.weight.grad is not None
    assert torch.equal(grad, plain.weight.grad)


def test_a_frozen_table_still_trains_its_bias(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    bag = bag_of(token_spec, 4)
    bag.weight.requires_grad_(False)
    bag._compute({"env_obs": make_tokens(6)})["features"].sum().backward()
    assert torch.equal(bag.bias.grad, torch.full((4,), 6.0))  # pyright: ignore[reportArgumentType]
    assert bag.weight.grad is None


def test_non_contiguous_observations(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    bag, obs = bag_of(token_spec, 4), make_tokens(6, 4)
    expected = bag._compute({"env_obs": obs})["features"][:, 1]
    assert torch.equal(bag._compute({"env_obs": obs[:, 1]})["features"], expected)


def test_the_state_dict_holds_parameters_only(token_spec: EnvSpec) -> None:
    assert set(bag_of(token_spec, 4).state_dict()) == {"weight", "bias"}


def test_kernels_refuse_a_table_that_is_too_small(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    bag, obs = bag_of(token_spec, 4), make_tokens(2).numpy()
    weight, bias = np.zeros((10, 4), np.float32), np.zeros(4, np.float32)
    with pytest.raises(ValueError, match=r"table has 10 rows, but tokens lead to row 762"):
        _kernels.token_bag_forward(bag.tables, obs, weight, bias, False, np.zeros((2, 4), np.float32), 1)
    full = bag.weight.detach().numpy()
    with pytest.raises(ValueError, match=r"out: expected shape \(2,4,\), got \(3,4,\)"):
        _kernels.token_bag_forward(bag.tables, obs, full, bias, False, np.zeros((3, 4), np.float32), 1)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_cuda_equals_cpu(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    bag, obs, grad_out = bag_of(token_spec, 32), make_tokens(50), torch.randn(50, 32)
    expected = with_gradients(bag, obs, grad_out)
    for got, want in zip(with_gradients(bag.cuda(), obs.cuda(), grad_out.cuda()), expected, strict=True):
        torch.testing.assert_close(got.cpu(), want, rtol=1e-5, atol=1e-5)


def test_a_relu_is_computed_along(token_spec: EnvSpec, make_tokens: MakeTokens) -> None:
    """Values and gradients of the native pass with relu equal those of torch's expression."""
    obs, grad_out = make_tokens(7, 90), torch.randn(7, 90, 20, generator=torch.Generator().manual_seed(1))
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    for native in (True, False):
        torch.manual_seed(0)
        table = FeatureTable.from_spec(token_spec, "log")
        bag = TokenBag(table, token_spec.obs_shape[0], 20, activation="relu", native=native)
        found.append(with_gradients(bag, obs, grad_out))
    assert 0.2 < float((found[0][0] > 0).float().mean()) < 0.8
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=1e-5)
