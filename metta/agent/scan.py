"""Linear recurrences over time, fast: ``h[t] = a[t] * h[t-1] + b[t]``."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable


def linear_scan(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """All states of the recurrence ``h[t] = a[t] * h[t-1] + b[t]`` with ``h[-1] = start``, elementwise.

    On a CPU it walks over time (as much work as there are numbers, no graph of T nodes); elsewhere it doubles the span
    in each of log2(T) passes. The gradient is the same recurrence backwards.

    Shapes: ``a``, ``b [s, T, ...]``, ``start [s, ...]`` -> ``[s, T, ...]``, real or complex.
    Source: prefix sums, Hillis and Steele 1986; their use for state spaces: arXiv:2208.04933 sec. 2.

    >>> linear_scan(torch.full((1, 3), 0.5), torch.ones(1, 3), torch.zeros(1)).tolist()
    [[1.0, 1.5, 1.75]]
    """
    if a.shape[1] == 1:
        return torch.addcmul(b, a, start.unsqueeze(1))
    return _LinearScan.apply(a, b, start)  # pyright: ignore[reportReturnType] - one output, a tensor


class _LinearScan(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, a: Tensor, b: Tensor, start: Tensor) -> Tensor:
        states = _walk(a, b, start) if a.device.type == "cpu" else _double(a, b, start)
        ctx.save_for_backward(a, start, states)
        return states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor, Tensor, Tensor]:  # pyright: ignore[reportIncompatibleMethodOverride]
        a, start, states = ctx.saved_tensors
        a = a.conj() if a.is_complex() else a
        # g[t] = grad[t] + a[t+1] * g[t+1]: the scan of the reversed sequences, with a moved by one step
        following = torch.cat([a[:, 1:], torch.zeros_like(a[:, :1])], dim=1)
        if a.device.type == "cpu":
            grad_b = _walk(following, grads[0], torch.zeros_like(start), reverse=True)
        else:
            grad_b = _double(following.flip(1), grads[0].flip(1), torch.zeros_like(start)).flip(1)
        before = torch.cat([start.unsqueeze(1), states[:, :-1]], dim=1)
        grad_a = grad_b * (before.conj() if before.is_complex() else before)
        return grad_a, grad_b, a[:, 0] * grad_b[:, 0]


def _walk(a: Tensor, b: Tensor, start: Tensor, *, reverse: bool = False) -> Tensor:
    out, state = torch.empty_like(b, memory_format=torch.contiguous_format), start
    steps = range(b.shape[1])
    for t in reversed(steps) if reverse else steps:
        state = torch.addcmul(b[:, t], a[:, t], state, out=out[:, t])
    return out


def _double(a: Tensor, b: Tensor, start: Tensor) -> Tensor:
    """After the pass with span n ``b[t]`` is what steps t-2n+1 .. t contribute, ``a[t]`` the product over them."""
    b = torch.cat([torch.addcmul(b[:, :1], a[:, :1], start.unsqueeze(1)), b[:, 1:]], dim=1)
    span = 1
    while span < b.shape[1]:
        b = torch.cat([b[:, :span], torch.addcmul(b[:, span:], a[:, span:], b[:, :-span])], dim=1)
        a = torch.cat([a[:, :span], a[:, span:] * a[:, :-span]], dim=1)
        span *= 2
    return b
