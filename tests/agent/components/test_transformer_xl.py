"""Attention over a sliding window: written out, and what it may see."""

from __future__ import annotations

import torch

from metta.agent.components.transformer_xl import TransformerXL, XLAttention, sinusoids


def test_attention_equals_its_definition() -> None:
    torch.manual_seed(0)
    layer, x = XLAttention(5, 4, 3, num_heads=2), torch.randn(1, 8, 5)
    with torch.no_grad():
        layer.content_bias.normal_()
        layer.distance_bias.normal_()
    out, _ = layer.run(x, torch.zeros(1, 8, dtype=torch.bool), layer.initial_state(1))
    q, k, v = (part[0].unflatten(-1, (2, 2)) for part in layer.qkv(x).chunk(3, -1))
    far = layer.distance(sinusoids(4, 4)).unflatten(-1, (2, 2))
    u, w = layer.content_bias.unflatten(0, (2, 2)), layer.distance_bias.unflatten(0, (2, 2))
    for t in range(8):
        window = range(max(0, t - 3), t + 1)
        heads = []
        for n in range(2):
            scores = torch.stack([(q[t, n] + u[n]) @ k[j, n] + (q[t, n] + w[n]) @ far[t - j, n] for j in window])
            shares = (scores * 2**-0.5).softmax(0)
            heads.append(sum(share * v[j, n] for share, j in zip(shares, window, strict=True)))
        expected = layer.out(torch.cat(heads))  # pyright: ignore[reportArgumentType]
        torch.testing.assert_close(out[0, t], expected, rtol=1e-4, atol=1e-5)


def test_memory_holds_the_newest_and_counts_them() -> None:
    layer, x = XLAttention(5, 4, 3, num_heads=2), torch.randn(2, 2, 5)
    first = torch.tensor([[False, False], [False, True]])
    state = layer.run(x, first, layer.initial_state(2))[1]
    assert state["count"].squeeze(1).tolist() == [2.0, 1.0]
    assert state["k"].abs().sum(-1).bool().tolist() == [[False, True, True], [False, False, True]]
    state = layer.run(x, torch.zeros_like(first), state)[1]
    assert state["count"].squeeze(1).tolist() == [3.0, 3.0]


def test_layers_reach_further_back() -> None:
    """Two layers of window 3 feel six steps back, and no further."""
    torch.manual_seed(0)
    core = TransformerXL(5, 4, 2, memory_size=3, num_heads=2)
    x = torch.randn(1, 10, 5, requires_grad=True)
    out, _ = core.run(x, torch.zeros(1, 10, dtype=torch.bool), core.initial_state(1))
    out[0, -1].square().sum().backward()
    assert x.grad is not None
    assert (x.grad[0].abs().sum(-1) > 0).tolist() == [False] * 3 + [True] * 7


def test_memory_is_declared() -> None:
    shapes = TransformerXL(5, 4, 1, memory_size=3, num_heads=2).memory_shapes
    assert shapes == {"xl_0_k": (3, 4), "xl_0_v": (3, 4), "xl_0_count": (1,)}


def test_sinusoids_of_odd_sizes() -> None:
    waves = sinusoids(3, 5)
    assert waves.shape == (3, 5)
    assert waves[0].tolist() == [0.0, 0.0, 0.0, 1.0, 1.0]
