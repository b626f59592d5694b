"""Advantages equal the double sum that defines them, natively and by the scan."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metta.common import _kernels
from metta.common.errors import ShapeContractError
from metta.rl.advantage import compute_gae, gae_by_scan

Rollout = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def random_rollout(seed: int, rows: int, horizon: int, ends: float) -> Rollout:
    rng = torch.Generator().manual_seed(seed)
    values, rewards = torch.randn(2, rows, horizon, generator=rng)
    terminated, truncated = torch.rand(2, rows, horizon, generator=rng) < ends
    return values, rewards, terminated, truncated, torch.randn(rows, generator=rng)


def gae_by_double_sum(rollout: Rollout, gamma: float, gae_lambda: float) -> Tensor:
    """``A[t] = sum over l of (gamma lambda)^l delta[t+l]``, the sum ending with the episode."""
    values, rewards, terminated, truncated, bootstrap = (tensor.double() for tensor in rollout)
    next_values = torch.cat([values[:, 1:], bootstrap[:, None]], dim=1)
    deltas = rewards + gamma * next_values * (1 - terminated) - values
    advantages = torch.zeros_like(values)
    rows, horizon = values.shape
    for row in range(rows):
        for t in range(horizon):
            for later in range(t, horizon):
                advantages[row, t] += (gamma * gae_lambda) ** (later - t) * deltas[row, later]
                if terminated[row, later] or truncated[row, later]:
                    break
    return advantages.float()


@given(
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 4),
    horizon=st.integers(1, 19),
    ends=st.sampled_from([0.0, 0.1, 0.5, 1.0]),
    gamma=st.floats(0.01, 1.0),
    gae_lambda=st.floats(0.0, 1.0),
)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_gae_equals_its_definition(
    seed: int, rows: int, horizon: int, ends: float, gamma: float, gae_lambda: float
) -> None:
    """Kernel and scan equal the double sum of arXiv:1506.02438 eq. 16; `terminated` cuts, `truncated` bootstraps."""
    rollout = random_rollout(seed, rows, horizon, ends)
    expected = gae_by_double_sum(rollout, gamma, gae_lambda)
    advantages, returns = compute_gae(*rollout, gamma, gae_lambda)
    torch.testing.assert_close(advantages, expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(gae_by_scan(*rollout, gamma, gae_lambda), expected, rtol=1e-4, atol=1e-4)
    torch.testing.assert_close(returns, advantages + rollout[0])


def test_termination_cuts_and_truncation_bootstraps() -> None:
    """The last step's advantage by hand: reward 1, value 2, next value 10."""
    values, rewards, no, yes = (
        torch.full((1, 1), 2.0),
        torch.ones(1, 1),
        torch.tensor([[False]]),
        torch.tensor([[True]]),
    )
    next_value = torch.tensor([10.0])
    assert compute_gae(values, rewards, yes, no, next_value, 0.5, 0.9)[0].item() == 1 - 2
    assert compute_gae(values, rewards, no, yes, next_value, 0.5, 0.9)[0].item() == 1 + 5 - 2
    assert compute_gae(values, rewards, yes, yes, next_value, 0.5, 0.9)[0].item() == 1 - 2


def test_ended_episodes_do_not_leak_backwards() -> None:
    """What comes after an episode's end changes nothing before it, except the bootstrap of a truncation."""
    values, rewards, _, _, bootstrap = random_rollout(0, 2, 8, 0.0)
    ends = torch.zeros(2, 8, dtype=torch.bool)
    ends[:, 3] = True
    before = compute_gae(values, rewards, ends, ~ends & False, bootstrap, 0.9, 0.9)[0]
    values[:, 4:], rewards[:, 4:] = 100.0, -100.0
    after = compute_gae(values, rewards, ends, ~ends & False, bootstrap, 0.9, 0.9)[0]
    torch.testing.assert_close(before[:, :4], after[:, :4], rtol=0, atol=0)
    assert not torch.equal(before[:, 4:], after[:, 4:])


def test_out_receives_the_advantages() -> None:
    rollout = random_rollout(1, 3, 5, 0.2)
    out = torch.empty(3, 5)
    advantages, _ = compute_gae(*rollout, 0.9, 0.9, out=out)
    assert advantages is out
    torch.testing.assert_close(out, compute_gae(*rollout, 0.9, 0.9)[0], rtol=0, atol=0)


def test_shapes_are_checked_with_both_operands() -> None:
    values, rewards, terminated, truncated, bootstrap = random_rollout(1, 3, 5, 0.2)
    with pytest.raises(ShapeContractError, match=r"rewards is \[3, 4\], values is \[3, 5\]"):
        compute_gae(values, rewards[:, :4], terminated, truncated, bootstrap, 0.9, 0.9)
    with pytest.raises(ValueError, match=r"bootstrap has shape \[2\], expected \[3\]"):
        compute_gae(values, rewards, terminated, truncated, bootstrap[:2], 0.9, 0.9)


def test_kernel_takes_no_converted_copies() -> None:
    """A float64 or strided output would be written to a copy and lost."""
    zeros, no = np.zeros((2, 3), np.float32), np.zeros((2, 3), np.bool_)
    boot = np.zeros(2, np.float32)
    with pytest.raises(TypeError):
        _kernels.gae(zeros, zeros, no, no, boot, 0.9, 0.9, np.zeros((2, 3), np.float64))  # pyright: ignore[reportArgumentType]
    with pytest.raises(TypeError):
        _kernels.gae(zeros, zeros, no, no, boot, 0.9, 0.9, np.zeros((3, 2), np.float32).T)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_gpu_equals_cpu() -> None:
    rollout = random_rollout(2, 64, 130, 0.02)
    cpu, _ = compute_gae(*rollout, 0.99, 0.95)
    values, rewards, terminated, truncated, bootstrap = (tensor.cuda() for tensor in rollout)
    gpu, _ = compute_gae(values, rewards, terminated, truncated, bootstrap, 0.99, 0.95)
    torch.testing.assert_close(gpu.cpu(), cpu, rtol=1e-4, atol=1e-4)
