"""A convolution over the planes of tokens, computed from the used tokens alone: tables, forward and gradient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.agent.components.feature_table import FeatureTable
from metta.common import _kernels

Tables = tuple[
    NDArray[np.int32], NDArray[np.uint8], NDArray[np.int32], NDArray[np.float32], NDArray[np.int32], NDArray[np.int32]
]


@dataclass(frozen=True, slots=True, eq=False)
class TokenConv:
    """What the native kernel looks up for a square convolution without padding over the planes of a `FeatureTable`.

    A used token adds ``weight * kernel column`` to the few outputs whose window covers its cell; a global one, which
    fills a plane, ``weight * sum of the column's taps`` to all of them. With ``relu`` negative outputs become 0.

    Shapes: ``tables`` as in ``cpp/include/learn/token_conv.h``; ``out_size`` is the height and width of the output.
    """

    tables: Tables
    out_size: tuple[int, int]
    num_cell_channels: int
    relu: bool

    @classmethod
    def of(cls, features: FeatureTable, kernel: int, stride: int, *, relu: bool = False) -> Self:
        """The tables for ``nn.Conv2d(channels of features, ..., kernel, stride)``."""
        cells, taps = features.window[0] * features.window[1], kernel**2
        height, width = ((size - kernel) // stride + 1 for size in features.window)
        first_global = features.num_cell_channels * cells
        # The box has a plane per channel, the kernel a column of taps; global channels are counted on their own.
        rows = np.where(features.rows >= first_global, features.rows - first_global, features.rows // cells * taps)
        rows = np.where(features.rows < 0, -1, rows).astype(np.int32)
        first, touches = _touches(features.window, (height, width), kernel, stride)
        tables = (features.positions, features.scopes, rows, features.weights, first, touches)
        return cls(tables, (height, width), features.num_cell_channels, relu)

    def __call__(self, obs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """The convolution of the tokens' planes with ``weight`` and ``bias``, lying channels last.

        Shapes (O = H * W outputs): ``obs [N, K, 3] uint8``, ``weight [F, C, k, k]``, ``bias [F]`` -> ``[N, F, H, W]``.
        """
        if torch.is_grad_enabled() and (weight.requires_grad or bias.requires_grad):
            out: Tensor = _TokenConvFunction.apply(self, obs, weight, bias)  # pyright: ignore[reportAssignmentType]
        else:
            out = self.forward(obs, weight, bias)
        return out.unflatten(1, self.out_size).permute(0, 3, 1, 2)

    def forward(self, obs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Without gradients, ``[N, O, F]``."""
        kernel = weight.detach().permute(1, 2, 3, 0).flatten(1, 2)  # [C, taps, F]
        out = torch.empty(obs.shape[0], self.out_size[0] * self.out_size[1], weight.shape[0])
        _kernels.token_conv_forward(
            *self.tables,
            obs.contiguous().numpy(),
            kernel[: self.num_cell_channels].flatten(0, 1).contiguous().numpy(),
            kernel[self.num_cell_channels :].sum(1).numpy(),
            bias.detach().numpy(),
            out.numpy(),
            kernel.shape[1],
            self.relu,
            torch.get_num_threads(),
        )
        return out

    def backward(self, obs: Tensor, out: Tensor, grad_out: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients of a weight shaped as ``like`` and of the bias; ``out`` and ``grad_out [N, O, F]``."""
        width, channels, *sides = like.shape
        taps = sides[0] * sides[1]
        grad_kernel = torch.empty(channels, taps, width)
        grad_constants = torch.empty(channels - self.num_cell_channels, width)
        grad_bias = torch.empty(width)
        _kernels.token_conv_backward(
            *self.tables,
            obs.contiguous().numpy(),
            out.numpy(),
            grad_out.contiguous().numpy(),
            grad_kernel[: self.num_cell_channels].flatten(0, 1).numpy(),
            grad_constants.numpy(),
            grad_bias.numpy(),
            taps,
            self.relu,
            torch.get_num_threads(),
        )
        grad_kernel[self.num_cell_channels :] = grad_constants[:, None]
        return grad_kernel.permute(2, 0, 1).reshape(like.shape), grad_bias


class _TokenConvFunction(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, conv: TokenConv, obs: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.conv = conv
        out = conv.forward(obs, weight, bias)
        ctx.save_for_backward(obs, weight, out)
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[None, None, Tensor, Tensor]:
        obs, weight, out = ctx.saved_tensors
        conv: TokenConv = ctx.conv
        return None, None, *conv.backward(obs, out, grad_outputs[0], weight)


def fits(conv: nn.Conv2d) -> bool:
    """Whether ``conv`` is of the kind that ``TokenConv`` computes, on the CPU in float32."""
    (kernel, other_side), (stride, other_stride) = conv.kernel_size, conv.stride
    plain = conv.padding == (0, 0) and conv.dilation == (1, 1) and conv.groups == 1 and conv.bias is not None
    square = kernel == other_side and stride == other_stride
    return plain and square and conv.weight.device.type == "cpu" and conv.weight.dtype is torch.float32


def _touches(
    window: tuple[int, int], out_size: tuple[int, int], kernel: int, stride: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """For each cell the outputs whose window covers it, and which of the kernel's taps lies on it there::

    kernel 3, stride 2, a row of 5 cells:   [o0: 0 1 2]
                                                [o1: 0 1 2]      cell 2: (o0, tap 2), (o1, tap 0)
    """
    first, touches = [0], list[tuple[int, int]]()
    for row in range(window[0]):
        for column in range(window[1]):
            for y in range(out_size[0]):
                for x in range(out_size[1]):
                    down, right = row - y * stride, column - x * stride
                    if 0 <= down < kernel and 0 <= right < kernel:
                        touches.append((y * out_size[1] + x, down * kernel + right))
            first.append(len(touches))
    return np.array(first, np.int32), np.array(touches, np.int32).reshape(-1, 2)
