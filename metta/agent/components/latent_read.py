"""Attention for the CPU: a few queries that read many narrow tokens, and a few vectors among themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

from metta.agent.components.dense import dense, dense_rows
from metta.common import _kernels

if TYPE_CHECKING:
    from metta.agent.components.attention_layers import MultiHeadAttention


def reads_natively(context: Tensor, mask: Tensor | None, norm: nn.LayerNorm | None) -> bool:
    """Whether ``latent_read`` takes these: masked ``float32`` tokens on the CPU, no autocast and nobody who traces."""
    return (
        not torch.compiler.is_compiling()
        and mask is not None
        and norm is not None
        and context.device.type == "cpu"
        and context.dtype is torch.float32
        and norm.weight.dtype is torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


def latent_read(
    attention: MultiHeadAttention, queries: Tensor, context: Tensor, mask: Tensor, norm: nn.LayerNorm
) -> Tensor:
    """``attention(queries, norm(context), mask)`` with the projections taken out of the sums over tokens.

    With t the token at mean 0 and variance 1, g and b the norm's weight and bias, a the attention (its sum is 1):

        score of a token   q . (Wk (g t + b) + bk) = (g Wk' q) . t + a constant that softmax ignores
        what is read       Wo (sum a (Wv (g t + b) + bv)) = (Wo Wv g) (sum a t) + Wo (Wv b + bv)

    so that each token costs ``2 queries heads`` products of its own width and no projection: for 4 latents of 4 heads
    and tokens of 21 numbers a quarter of the arithmetic, and nothing as large as keys and values goes through memory.

    Shapes (N rows, Q queries, K tokens): ``queries [1 or N, Q, F]`` (1: the same for all), ``context [N, K, C]``,
    ``mask [N, K] bool`` -> ``[N, Q, F]``.
    """
    heads, width = attention.num_heads, context.shape[-1]
    key, value = attention.key_value.weight.split([attention.qk_dim, attention.dim])
    value_bias = attention.key_value.bias[attention.qk_dim :]
    query = dense(attention.query, queries).unflatten(-1, (heads, -1)) * (attention.qk_dim // heads) ** -0.5
    reads = torch.einsum("nqhd,hdc->nqhc", query, key.unflatten(0, (heads, -1))) * norm.weight
    read: Tensor = _LatentRead.apply(context, mask, reads.flatten(1, 2), norm.eps)  # pyright: ignore[reportAssignmentType]
    # Output and value projection of each head in one matrix [F, heads * C].
    out = attention.out.weight.unflatten(1, (heads, -1))
    mix = torch.einsum("fhd,hdc->fhc", out, (value * norm.weight).unflatten(0, (heads, -1))).flatten(1)
    constant = attention.out.weight @ (value @ norm.bias + value_bias)
    mixed = dense_rows(read.view(-1, heads * width), mix, attention.out.bias)
    some = mask.any(1).to(constant.dtype)[:, None, None]
    return torch.addcmul(mixed.view(context.shape[0], queries.shape[1], -1), some, constant)


_MOST_VECTORS = 32
"""Above that, torch's kernel for long sequences is the faster one."""


def attends_natively(queries: Tensor, context: Tensor, mask: Tensor | None) -> bool:
    """Whether ``small_attention`` takes these: few vectors, no mask, ``float32`` on the CPU, nobody who traces."""
    return (
        not torch.compiler.is_compiling()
        and mask is None
        and queries.ndim == 3
        and max(queries.shape[1], context.shape[1]) <= _MOST_VECTORS
        and queries.device.type == "cpu"
        and queries.dtype is torch.float32
        and context.dtype is torch.float32
        and not torch.is_autocast_enabled("cpu")
    )


def small_attention(queries: Tensor, keys_values: Tensor, num_heads: int) -> Tensor:
    """Scaled dot-product attention; heads stand next to each other, as linear layers leave them.

    Shapes: ``queries [N, Q, A]``, ``keys_values [N, K, A + F]`` -> ``[N, Q, F]``.
    """
    return _SmallAttention.apply(queries, keys_values, num_heads)  # pyright: ignore[reportReturnType] - one tensor


class _SmallAttention(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, queries: Tensor, keys_values: Tensor, num_heads: int) -> Tensor:
        queries, keys_values = queries.contiguous(), keys_values.contiguous()
        ctx.save_for_backward(queries, keys_values)
        ctx.num_heads = num_heads
        out = torch.empty(*queries.shape[:2], keys_values.shape[2] - queries.shape[2])
        _kernels.small_attention_forward(
            _array(queries), _array(keys_values), out.numpy(), num_heads, torch.get_num_threads()
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor, Tensor, None]:
        queries, keys_values = ctx.saved_tensors
        grad_queries, grad_keys_values = torch.empty(queries.shape), torch.empty(keys_values.shape)
        _kernels.small_attention_backward(
            _array(queries),
            _array(keys_values),
            _array(grad_outputs[0]),
            grad_queries.numpy(),
            grad_keys_values.numpy(),
            ctx.num_heads,
            torch.get_num_threads(),
        )
        return grad_queries, grad_keys_values, None


class _LatentRead(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, context: Tensor, mask: Tensor, reads: Tensor, eps: float) -> Tensor:
        context, mask, reads = context.contiguous(), mask.contiguous(), reads.contiguous()
        ctx.save_for_backward(context, mask, reads)
        ctx.eps = eps
        out = torch.empty(context.shape[0], *reads.shape[1:])
        _kernels.latent_read_forward(
            _array(context), _array(mask), _array(reads), out.numpy(), eps, torch.get_num_threads()
        )
        return out

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride] - the decorator hides the parameters' names
        ctx: Any, *grad_outputs: Tensor
    ) -> tuple[Tensor, None, Tensor, None]:
        context, mask, reads = ctx.saved_tensors
        grad_context, grad_reads = torch.empty(context.shape), torch.empty(reads.shape)
        _kernels.latent_read_backward(
            _array(context),
            _array(mask),
            _array(reads),
            _array(grad_outputs[0]),
            grad_context.numpy(),
            grad_reads.numpy(),
            ctx.eps,
            torch.get_num_threads(),
        )
        return grad_context, None, grad_reads, None


def _array(tensor: Tensor) -> NDArray[Any]:
    return tensor.detach().contiguous().numpy()
