"""The causal convolution equals torch's, and ends at episode borders."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from metta.agent.components.causal_conv import CausalConv, causal_conv


@pytest.mark.parametrize("kernel", [1, 3, 4])
@pytest.mark.parametrize("horizon", [1, 2, 6])
def test_equals_a_padded_convolution(kernel: int, horizon: int) -> None:
    torch.manual_seed(0)
    x, past = torch.randn(2, horizon, 3), torch.randn(2, kernel - 1, 3)
    taps, bias = torch.randn(kernel, 3), torch.randn(3)
    y, kept = causal_conv(x, torch.zeros(2, horizon, dtype=torch.bool), past, taps, bias)
    whole = torch.cat([past, x], 1)
    weight = taps.flip(0).t().unsqueeze(1)
    expected = nn.functional.conv1d(whole.transpose(1, 2), weight, bias, groups=3).transpose(1, 2)
    torch.testing.assert_close(y, expected, rtol=1e-5, atol=1e-5)
    assert torch.equal(kept, whole[:, whole.shape[1] - kernel + 1 :])


def test_nothing_of_an_earlier_episode_is_kept() -> None:
    x, first = torch.ones(1, 4, 2), torch.tensor([[False, False, False, True]])
    y, kept = causal_conv(x, first, torch.ones(1, 2, 2), torch.ones(3, 2), torch.zeros(2))
    assert y[0, :, 0].tolist() == [3.0, 3.0, 3.0, 1.0]
    assert kept[0, :, 0].tolist() == [0.0, 1.0]


def test_memory_is_declared() -> None:
    assert CausalConv(5, 7, 4).memory_shapes == {"conv_past": (3, 5)}
