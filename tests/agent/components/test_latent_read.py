"""Native attention: against torch's in double precision, with gradients; its bits; what it leaves alone."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from metta.agent.components.attention_layers import MultiHeadAttention, TransformerLayer
from metta.agent.components.latent_read import attends_natively, reads_natively
from metta.common import _kernels


def run(layer: TransformerLayer, latents: Tensor, context: Tensor, mask: Tensor, dtype: torch.dtype) -> list[Tensor]:
    """Output and gradients, of the mean over all outputs weighted at random."""
    layer, latents, context = layer.to(dtype), latents.to(dtype), context.to(dtype)
    latents, context = latents.clone().requires_grad_(), context.clone().requires_grad_()
    queries = latents.expand(context.shape[0], -1, -1) if latents.ndim == 2 else latents * 1.0
    out = layer(queries, context, mask)
    (out * torch.randn(out.shape, generator=torch.Generator().manual_seed(1)).to(dtype)).mean().backward()
    inputs = [tensor.grad for tensor in (latents, context)]
    return [out.detach(), *(grad for grad in [*inputs, *(p.grad for p in layer.parameters())] if grad is not None)]


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize(
    ("queries", "heads", "width", "rows", "tokens"),
    [(4, 4, 21, 300, 48), (3, 2, 5, 1, 7), (9, 4, 40, 33, 20), (1, 1, 16, 20, 1), (2, 4, 17, 150, 9)],
)
def test_reading_equals_attention(queries: int, heads: int, width: int, rows: int, tokens: int, shared: bool) -> None:
    torch.manual_seed(0)
    layer = TransformerLayer(32, heads, context_dim=width, mlp_ratio=0)
    for parameter in layer.parameters():
        parameter.data += 0.1 * torch.randn_like(parameter)
    latents = torch.randn(queries, 32) if shared else torch.randn(rows, queries, 32)
    context, mask = 3 * torch.randn(rows, tokens, width), torch.rand(rows, tokens) < 0.7
    mask[-1] = False  # nothing to read at all
    slow = TransformerLayer(32, heads, context_dim=width, mlp_ratio=0, native=False)
    slow.load_state_dict(layer.state_dict())
    assert layer.passes_over(context, mask)
    expected = run(slow, latents, context, mask, torch.float64)
    for got, want in zip(run(layer, latents, context, mask, torch.float32), expected, strict=True):
        torch.testing.assert_close(got, want.float(), rtol=1e-4, atol=1e-5)


def test_masked_tokens_are_not_looked_at() -> None:
    layer, mask = TransformerLayer(16, 2, context_dim=5, mlp_ratio=0), torch.rand(6, 8) < 0.5
    x, context = torch.randn(6, 3, 16), torch.randn(6, 8, 5)
    spoilt = context.masked_fill(~mask[..., None], float("nan"))
    assert torch.equal(layer(x, spoilt, mask), layer(x, context, mask))


@pytest.mark.parametrize(
    ("queries", "keys", "heads", "qk_dim"), [(4, 4, 4, 32), (1, 6, 2, 8), (5, 32, 1, 32), (3, 17, 4, 4)]
)
def test_small_attention_equals_torch(queries: int, keys: int, heads: int, qk_dim: int) -> None:
    torch.manual_seed(0)
    layer = MultiHeadAttention(32, heads, context_dim=12, qk_dim=qk_dim)
    slow = MultiHeadAttention(32, heads, context_dim=12, qk_dim=qk_dim, native=False).double()
    slow.load_state_dict(layer.state_dict())
    x, context = torch.randn(70, queries, 32), torch.randn(70, keys, 12)
    results = []
    for module, dtype in ((layer, torch.float32), (slow, torch.float64)):
        inputs = [tensor.to(dtype).requires_grad_() for tensor in (x.clone(), context.clone())]
        out = module(*inputs)
        out.square().mean().backward()
        grads = [tensor.grad for tensor in [*inputs, *module.parameters()]]
        results.append([out.detach(), *(grad for grad in grads if grad is not None)])
    assert attends_natively(x, context, None)
    for got, want in zip(*results, strict=True):
        torch.testing.assert_close(got, want.float(), rtol=1e-4, atol=1e-6)


def test_bits_do_not_depend_on_threads() -> None:
    generator = np.random.default_rng(0)
    tokens, mask = generator.standard_normal((700, 20, 9), np.float32), generator.random((700, 20)) < 0.6
    reads, grad = generator.standard_normal((1, 12, 9), np.float32), generator.standard_normal((700, 12, 9), np.float32)
    queries, keys = (
        generator.standard_normal((700, 3, 8), np.float32),
        generator.standard_normal((700, 5, 20), np.float32),
    )
    results = []
    for threads in (1, 2, 3, 7):
        read, grad_tokens, grad_reads = np.empty_like(grad), np.empty_like(tokens), np.empty_like(reads)
        _kernels.latent_read_forward(tokens, mask, reads, read, 1e-5, threads)
        _kernels.latent_read_backward(tokens, mask, reads, grad, grad_tokens, grad_reads, 1e-5, threads)
        out, grad_queries, grad_keys = np.empty((700, 3, 12), np.float32), np.empty_like(queries), np.empty_like(keys)
        _kernels.small_attention_forward(queries, keys, out, 4, threads)
        _kernels.small_attention_backward(queries, keys, out, grad_queries, grad_keys, 4, threads)
        arrays = (read, grad_tokens, grad_reads, out, grad_queries, grad_keys)
        results.append(tuple(array.tobytes() for array in arrays))
    assert all(result == results[0] for result in results)


def test_what_the_kernels_leave_to_torch() -> None:
    norm, context, mask = torch.nn.LayerNorm(4), torch.zeros(2, 3, 4), torch.ones(2, 3, dtype=torch.bool)
    assert reads_natively(context, mask, norm)
    assert not reads_natively(context, None, norm)
    assert not reads_natively(context, mask, None)
    assert not reads_natively(context.double(), mask, norm)
    assert not attends_natively(context, context, mask)
    assert not attends_natively(context, torch.zeros(2, 100, 4), None)


def test_kernels_refuse_shapes_that_do_not_fit() -> None:
    ones = np.ones((2, 3, 4), np.float32)
    with pytest.raises(ValueError, match="num_heads must divide"):
        _kernels.small_attention_forward(ones, np.ones((2, 3, 9), np.float32), ones, 3, 1)
    with pytest.raises(ValueError, match=r"reads: expected shape \(2,3,4,\), got \(3,3,4,\)"):
        _kernels.latent_read_forward(ones, np.ones((2, 3), bool), np.ones((3, 3, 4), np.float32), ones, 1e-5, 1)
