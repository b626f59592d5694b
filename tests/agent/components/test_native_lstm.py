"""The native LSTM equals torch's on segments cut at resets: values, all gradients, equal bits for any threads."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.components.lstm import LSTM
from metta.agent.components.native_lstm import run_native
from metta.agent.packed import run_fused
from metta.agent.recurrent import forget


@pytest.mark.parametrize(
    ("segments", "num_layers", "reset_chance", "horizon"),
    [(50, 1, 0.0, 9), (50, 2, 0.3, 7), (50, 1, 1.0, 3), (50, 1, 0.2, 1), (410, 1, 0.2, 2)],
)
def test_native_segments_equal_torch(segments: int, num_layers: int, reset_chance: float, horizon: int) -> None:
    """Segments run natively: values and all gradients, of states too, are those of torch on cut segments."""
    torch.manual_seed(2)
    lstm, x = LSTM(5, 6, num_layers), torch.randn(segments, horizon, 5)
    first = torch.rand(segments, horizon) < reset_chance
    states, factors = torch.randn(2, segments, num_layers, 6), torch.randn(segments, horizon, 6)
    found: list[list[Tensor]] = []
    for run in (run_native, lambda layers, x, first, h, c: unpacked(run_fused(layers, x, first, (h, c)))):
        lstm.zero_grad()
        leaves = [tensor.clone().requires_grad_() for tensor in (x, *states)]
        started = [forget(leaf, first[:, 0]) for leaf in leaves[1:]]
        out, h, c = run(lstm.lstm, leaves[0], first, *started)
        ((out * factors).sum() + h.square().sum() + c.sin().sum()).backward()
        grads = [tensor.grad for tensor in (*leaves, *lstm.parameters())]
        found.append([out.detach(), h.detach(), c.detach(), *(grad.clone() for grad in grads if grad is not None)])
    assert len(found[0]) == 6 + 4 * num_layers
    for mine, theirs in zip(*found, strict=True):
        torch.testing.assert_close(mine, theirs, rtol=1e-4, atol=2e-5)


def unpacked(result: tuple[Tensor, tuple[Tensor, ...]]) -> tuple[Tensor, Tensor, Tensor]:
    out, (h, c) = result
    return out, h, c


def test_native_bits_do_not_depend_on_threads() -> None:
    torch.manual_seed(3)
    lstm, x, first = LSTM(5, 6), torch.randn(450, 4, 5), torch.rand(450, 4) < 0.2
    td = {
        "features": x,
        "first": first,
        "memory/lstm_h": torch.randn(450, 1, 6),
        "memory/lstm_c": torch.randn(450, 1, 6),
    }
    threads, found = torch.get_num_threads(), []
    for count in (1, 3):
        torch.set_num_threads(count)
        lstm.zero_grad()
        out = lstm(td)["core"]
        out.square().sum().backward()
        found.append([out.detach(), *(parameter.grad for parameter in lstm.parameters())])
    torch.set_num_threads(threads)
    assert all(torch.equal(one, other) for one, other in zip(*found, strict=True))


def test_kernel_refuses_other_shapes() -> None:
    torch.manual_seed(0)
    lstm = LSTM(5, 6).lstm
    with pytest.raises(ValueError, match="h0: expected shape"):
        run_native(lstm, torch.zeros(2, 3, 5), torch.zeros(2, 3).bool(), torch.zeros(2, 1, 7), torch.zeros(2, 1, 6))
