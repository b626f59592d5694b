"""The linear scan equals its recurrence, on both ways through it, and so do its gradients."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent import scan
from metta.agent.scan import linear_scan


def by_definition(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    states, state = [], start
    for t in range(b.shape[1]):
        state = a[:, t] * state + b[:, t]
        states.append(state)
    return torch.stack(states, 1)


@pytest.fixture(params=["walk", "double"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """``double`` takes the way of a GPU on the CPU."""
    if request.param == "double":

        def forward(a: Tensor, b: Tensor, start: Tensor, *, reverse: bool = False) -> Tensor:
            if reverse:
                return double(a.flip(1), b.flip(1), start).flip(1)
            return double(a, b, start)

        double: Callable[[Tensor, Tensor, Tensor], Tensor] = scan._double
        monkeypatch.setattr(scan, "_walk", forward)


@pytest.mark.usefixtures("way")
@pytest.mark.parametrize("dtype", [torch.float64, torch.complex128])
@pytest.mark.parametrize("horizon", [1, 2, 7, 8])
def test_values_and_gradients(dtype: torch.dtype, horizon: int) -> None:
    torch.manual_seed(0)
    a, b = (torch.randn(2, horizon, 3, dtype=dtype) for _ in range(2))
    a[:, horizon // 2] = 0  # a reset
    start = torch.randn(2, 3, dtype=dtype)
    torch.testing.assert_close(linear_scan(a, b, start), by_definition(a, b, start))
    leaves = [tensor.requires_grad_() for tensor in (a, b, start)]
    assert torch.autograd.gradcheck(linear_scan, leaves)


@pytest.mark.usefixtures("way")
def test_broadcast_decays() -> None:
    decay = torch.rand(3, requires_grad=True)
    b = torch.randn(2, 5, 3)
    grads = []
    for run in (linear_scan, by_definition):
        run(decay.expand(2, 5, 3), b, torch.zeros(2, 3)).square().sum().backward()
        assert decay.grad is not None
        grads.append(decay.grad.clone())
        decay.grad = None
    torch.testing.assert_close(*grads)
