"""Attention layers against a loop over queries and heads, and against torch's own transformer layer."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from metta.agent.components.attention_layers import MultiHeadAttention, TransformerLayer
from metta.common.errors import ConfigError


def attention_by_loops(layer: MultiHeadAttention, x: Tensor, context: Tensor, allowed: Tensor) -> Tensor:
    """``allowed [N, Q, K]``; a softmax over those keys alone, one query and head at a time."""
    query = layer.query(x)
    key, value = layer.key_value(context).split([layer.qk_dim, layer.dim], -1)
    qk, v = layer.qk_dim // layer.num_heads, layer.dim // layer.num_heads
    mixed = torch.zeros(*x.shape[:2], layer.dim)
    for n in range(x.shape[0]):
        for q in range(x.shape[1]):
            seen = allowed[n, q].nonzero().flatten()
            for h in range(layer.num_heads if len(seen) else 0):
                part, out = slice(h * qk, (h + 1) * qk), slice(h * v, (h + 1) * v)
                scores = key[n, seen, part] @ query[n, q, part] / math.sqrt(qk)
                mixed[n, q, out] = scores.softmax(0) @ value[n, seen, out]
    return layer.out(mixed)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("masked", [False, True])
def test_attention_equals_its_definition(causal: bool, masked: bool) -> None:
    torch.manual_seed(0)
    layer = MultiHeadAttention(8, 2, context_dim=6, qk_dim=4)
    x, context = torch.randn(3, 5, 8), torch.randn(3, 5, 6)
    mask = torch.rand(3, 5) < 0.5 if masked else None
    if mask is not None:
        mask[0] = False  # a row that sees nothing
    allowed = torch.ones(3, 5, 5, dtype=torch.bool) if mask is None else mask[:, None].expand(3, 5, 5)
    if causal:
        allowed = allowed & torch.ones(5, 5, dtype=torch.bool).tril()
    got = layer(x, context, mask, causal=causal)
    torch.testing.assert_close(got, attention_by_loops(layer, x, context, allowed))


def test_gradients_are_numbers_where_nothing_is_seen() -> None:
    layer = MultiHeadAttention(4, 1)
    x = torch.randn(2, 3, 4, requires_grad=True)
    layer(x, x, torch.zeros(2, 3, dtype=torch.bool)).sum().backward()
    assert x.grad is not None
    assert (x.grad == 0).all()


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_layer_equals_torchs(norm: str) -> None:
    torch.manual_seed(0)
    mine = TransformerLayer(8, 2, norm=norm, mlp_ratio=2)  # pyright: ignore[reportArgumentType]
    theirs = nn.TransformerEncoderLayer(8, 2, 16, 0.0, "gelu", batch_first=True, norm_first=norm == "pre")
    weights = mine.state_dict()
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat(
                [weights["attention.query.weight"], weights["attention.key_value.weight"]]
            ),
            "self_attn.in_proj_bias": torch.cat([weights["attention.query.bias"], weights["attention.key_value.bias"]]),
            "self_attn.out_proj.weight": weights["attention.out.weight"],
            "self_attn.out_proj.bias": weights["attention.out.bias"],
            **{f"linear1.{part}": weights[f"up.{part}"] for part in ("weight", "bias")},
            **{f"linear2.{part}": weights[f"down.{part}"] for part in ("weight", "bias")},
            **{f"norm1.{part}": weights[f"attention_norm.{part}"] for part in ("weight", "bias")},
            **{f"norm2.{part}": weights[f"mlp_norm.{part}"] for part in ("weight", "bias")},
        }
    )
    x = torch.randn(3, 5, 8)
    torch.testing.assert_close(mine(x), theirs(x))


def test_cross_attention_without_mlp() -> None:
    layer = TransformerLayer(8, 2, context_dim=6, mlp_ratio=0)
    assert layer(torch.randn(3, 2, 8), torch.randn(3, 7, 6)).shape == (3, 2, 8)
    assert not any(name.startswith("mlp") for name, _ in layer.named_parameters())


def test_heads_must_divide_the_width() -> None:
    with pytest.raises(ConfigError, match="num_heads=3 needs its width to be a multiple"):
        MultiHeadAttention(8, 3)
    with pytest.raises(ConfigError, match="needs qk_dim to be a multiple of that, got 6"):
        MultiHeadAttention(8, 4, qk_dim=6)
    with pytest.raises(ConfigError, match="norm='both'"):
        TransformerLayer(8, 2, norm="both")  # pyright: ignore[reportArgumentType]
