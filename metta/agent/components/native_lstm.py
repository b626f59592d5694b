"""run_native: torch's LSTM over segments with resets, by native kernels on the CPU."""

from __future__ import annotations

from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.common import _kernels

Three = tuple[Tensor, Tensor, Tensor]


def run_native(layers: nn.LSTM, x: Tensor, first: Tensor, h: Tensor, c: Tensor) -> Three:
    """``layers`` over segments; the state is zeroed before each step whose ``first`` is true, without cutting segments.

    Each thread takes whole segments through all steps: nothing waits between two steps.

    Shapes: ``x [s, T, F]``, ``first [s, T] bool``, ``h`` and ``c [s, L, H]`` -> ``[s, T, H]``, ``[s, L, H]`` twice.
    """
    states: list[tuple[Tensor, Tensor]] = []
    for layer, weights in enumerate(layers.all_weights):
        arguments = (x, first, h[:, layer], c[:, layer], *weights)
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in arguments):
            x, *state = cast("Three", _Lstm.apply(*arguments))
        else:
            (x, *state), _ = _forward(*arguments, keep=False)
        states.append((state[0], state[1]))
    if len(states) == 1:
        return x, states[0][0].unsqueeze(1), states[0][1].unsqueeze(1)
    return x, torch.stack([h for h, _ in states], dim=1), torch.stack([c for _, c in states], dim=1)


class _Lstm(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any,
        x: Tensor,
        first: Tensor,
        h: Tensor,
        c: Tensor,
        w_ih: Tensor,
        w_hh: Tensor,
        b_ih: Tensor,
        b_hh: Tensor,
    ) -> Three:
        outputs, saved = _forward(x, first, h, c, w_ih, w_hh, b_ih, b_hh, keep=True)
        ctx.save_for_backward(*saved)
        return outputs

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor | None, ...]:
        saved = ctx.saved_tensors
        x, _, h0, c0, w_ih, w_hh, bias = saved[:7]
        grad_x = torch.empty(x.shape) if ctx.needs_input_grad[0] else None
        grads = [torch.empty(like.shape) for like in (h0, c0, w_ih, w_hh, bias)]
        known = [tensor.detach().numpy() for tensor in (*saved, *(grad.contiguous() for grad in grad_outputs))]
        wanted = [None if grad is None else grad.numpy() for grad in (grad_x, *grads)]
        _kernels.lstm_backward(*known, *wanted, num_threads=torch.get_num_threads())
        grad_h0, grad_c0, grad_w_ih, grad_w_hh, grad_bias = grads
        return grad_x, None, grad_h0, grad_c0, grad_w_ih, grad_w_hh, grad_bias, grad_bias.clone()


def _forward(
    x: Tensor,
    first: Tensor,
    h: Tensor,
    c: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor,
    b_hh: Tensor,
    *,
    keep: bool,
) -> tuple[Three, list[Tensor]]:
    """Results, and what ``lstm_backward`` reads first (without ``keep`` nothing of use)."""
    segments, steps, _ = x.shape
    units = w_hh.shape[1]
    inputs = [tensor.detach().contiguous() for tensor in (x, first, h, c, w_ih, w_hh, b_ih + b_hh)]
    outputs = torch.empty(segments, steps, units), torch.empty(h.shape), torch.empty(c.shape)
    trace = [torch.empty(segments * steps, size) for size in (4 * units, units)] if keep else []
    arrays = [tensor.numpy() for tensor in (*inputs, *outputs, *trace)]
    _kernels.lstm_forward(*arrays, *([] if keep else [None, None]), num_threads=torch.get_num_threads())
    return outputs, [*inputs, outputs[0], *trace]
