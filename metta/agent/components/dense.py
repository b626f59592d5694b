"""dense: a linear layer and its activation, native on the CPU."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.agent.components.activation import identity
from metta.common import _kernels

_FEWEST_ROWS = 32
"""Below that, laying out the weights for the native product costs more than torch's whole product."""


def dense(layer: nn.Linear, x: Tensor, activate: Callable[[Tensor], Tensor] = identity) -> Tensor:
    """``activate(layer(x))``; ``activate`` may write over its argument.

    Rows are always taken flat: torch's layers return a view for ``[s, T, F]``, and writing over a view makes autograd
    copy the whole gradient several times. On the CPU a native kernel computes layer and relu in one pass, with equal
    bits for any number of threads.

    Shapes: ``x [..., in_features]`` -> ``[..., out_features]``.
    """
    rows = x if x.ndim == 2 else x.reshape(-1, x.shape[-1])
    hooked = layer._forward_hooks or layer._forward_pre_hooks
    out = activate(layer(rows)) if hooked else dense_rows(rows, layer.weight, layer.bias, activate)
    return out if x.ndim == 2 else out.view(*x.shape[:-1], out.shape[-1])


def dense_rows(
    x: Tensor, weight: Tensor, bias: Tensor | None, activate: Callable[[Tensor], Tensor] = identity
) -> Tensor:
    """``dense`` of bare weights.

    Shapes: ``x [N, in]``, ``weight [out, in]``, ``bias [out]`` -> ``[N, out]``.
    """
    if not runs_natively(weight, x):
        return activate(nn.functional.linear(x, weight, bias))
    relu = activate is torch.relu_
    out = _dense_rows(x, weight, bias, relu)
    return out if relu else activate(out)


def runs_natively(weight: Tensor, rows: Tensor) -> bool:
    """Whether native kernels take these: ``float32`` on the CPU, many rows, no autocast and nobody who traces."""
    return all_run_natively(rows.shape[0], (rows, weight))


def all_run_natively(num_rows: int, tensors: Iterable[Tensor | None]) -> bool:
    """``runs_natively`` of several tensors, asked once; one that is missing is not native."""
    return (
        not torch.compiler.is_compiling()  # first: a graph for any number of rows must not ask how many there are
        and num_rows >= _FEWEST_ROWS
        and not torch.is_autocast_enabled("cpu")
        and all(t is not None and t.dtype is torch.float32 and t.device.type == "cpu" for t in tensors)
    )


def _dense_rows(x: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
    if torch.is_grad_enabled() and (
        x.requires_grad or weight.requires_grad or (bias is not None and bias.requires_grad)
    ):
        return _Dense.apply(x, weight, bias, relu)
    return _dense_forward(x, weight, bias, relu=relu)


class _Dense(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor | None, relu: bool) -> Tensor:
        y = _dense_forward(x, weight, bias, relu=relu)
        ctx.save_for_backward(x, weight, y if relu else None)
        ctx.has_bias = bias is not None
        return y

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor | None, Tensor, Tensor | None, None]:
        x, weight, y = ctx.saved_tensors
        of_x, of_weight, of_bias = dense_backward(x, weight, y, grad_outputs[0], with_x=ctx.needs_input_grad[0])
        return of_x, of_weight, of_bias if ctx.has_bias else None, None


def dense_backward(
    x: Tensor, weight: Tensor, y: Tensor | None, grad: Tensor, *, with_x: bool, x_relu: bool = False
) -> tuple[Tensor | None, Tensor, Tensor]:
    """Gradients of ``x`` (if wanted), ``weight`` and ``bias``; ``y`` is what a relu gave, None without one. ``x_relu``:
    a relu gave ``x``, and the gradient before it is wanted.

    Shapes: ``x [N, in]``, ``weight [out, in]``, ``y``, ``grad [N, out]``.
    """
    grad = grad.contiguous()
    of_x = torch.empty(x.shape) if with_x else None
    of_weight, of_bias = torch.empty(weight.shape), torch.empty(weight.shape[0])
    _kernels.dense_backward(
        x.detach().contiguous().numpy(),
        weight.detach().contiguous().numpy(),
        (grad if y is None else y.detach()).numpy(),
        grad.numpy(),
        y is not None,
        None if of_x is None else of_x.numpy(),
        of_weight.numpy(),
        of_bias.numpy(),
        torch.get_num_threads(),
        x_relu,
    )
    return of_x, of_weight, of_bias


def _dense_forward(x: Tensor, weight: Tensor, bias: Tensor | None, *, relu: bool) -> Tensor:
    """Native ``x @ weight.T + bias`` and relu, without gradients.

    Shapes: as ``dense_rows``.
    """
    y = torch.empty(x.shape[0], weight.shape[0])
    _kernels.dense_forward(
        x.detach().contiguous().numpy(),
        weight.detach().contiguous().numpy(),
        None if bias is None else bias.detach().numpy(),
        relu,
        y.numpy(),
        torch.get_num_threads(),
    )
    return y
