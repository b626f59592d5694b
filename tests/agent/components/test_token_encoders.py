"""Encoders of token sets: exact masks, any number of batch dimensions, numerics by hand."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
import torch

from metta.agent.components.attention_layers import TransformerLayer
from metta.agent.components.token_encoders import LatentAttention, Perceiver, TokenTransformer, pooled
from metta.agent.module import MettaModule
from metta.common.errors import ConfigError

MAKERS: dict[str, Callable[..., MettaModule]] = {
    "latent": lambda **options: LatentAttention(6, 8, num_queries=3, num_heads=2, **options),
    "latent_first": lambda **options: LatentAttention(
        6, 8, num_queries=2, query_dim=4, qk_dim=8, pool="first", **options
    ),
    "perceiver": lambda **options: Perceiver(6, 8, num_latents=3, num_heads=2, **options),
    "perceiver_none": lambda **options: Perceiver(6, 8, num_latents=3, num_heads=2, pool="none", **options),
    "transformer": lambda **options: TokenTransformer(6, 8, num_heads=2, num_layers=2, **options),
    "transformer_mean": lambda **options: TokenTransformer(6, 8, embed_dim=4, num_heads=2, pool="mean", **options),
    "transformer_none": lambda **options: TokenTransformer(6, 8, num_heads=2, num_layers=1, pool="none", **options),
}
SHAPES = {"latent": (3, 8), "perceiver_none": (3, 8), "transformer_none": (5, 8)}


@cache
def made_once(name: str) -> MettaModule:
    return MAKERS[name]()


@pytest.mark.parametrize("name", MAKERS)
def test_shapes_with_any_batch(name: str) -> None:
    module = MAKERS[name]()
    tokens, mask = torch.randn(2, 3, 5, 6), torch.rand(2, 3, 5) < 0.5
    out = module({"tokens": tokens, "mask": mask})["features"]
    assert out.shape == (2, 3, *SHAPES.get(name, (8,)))
    module.check_outputs({"features": out})
    flat = module({"tokens": tokens.flatten(0, 1), "mask": mask.flatten(0, 1)})["features"]
    torch.testing.assert_close(flat.view(out.shape), out)
    one = module({"tokens": tokens[0, 0], "mask": mask[0, 0]})["features"]
    torch.testing.assert_close(one, out[0, 0])


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize(("seed", "extra"), [(0, 0), (1, 1), (2, 3)])
def test_padding_changes_nothing(name: str, seed: int, extra: int) -> None:
    """Neither its content, bit for bit, nor its amount, nor where it stands."""
    generator = torch.Generator().manual_seed(seed)
    module = made_once(name)
    tokens = torch.randn(4, 5, 6, generator=generator)
    mask = torch.rand(4, 5, generator=generator) < 0.5
    out = module({"tokens": tokens, "mask": mask})["features"]
    assert out.isfinite().all()
    junk = torch.where(mask[..., None], tokens, torch.tensor(float("nan")))
    assert torch.equal(module({"tokens": junk, "mask": mask})["features"], out)
    longer = torch.cat([torch.randn(4, extra, 6, generator=generator), tokens], 1)
    padded = torch.nn.functional.pad(mask, (extra, 0))
    again = module({"tokens": longer, "mask": padded})["features"]
    torch.testing.assert_close(again[:, extra:] if name == "transformer_none" else again, out)


@pytest.mark.parametrize("name", MAKERS)
def test_without_mask_all_count(name: str) -> None:
    module = MAKERS[name](mask_key=None)
    assert module.in_keys == ["tokens"]
    tokens = torch.randn(2, 5, 6)
    masked = MAKERS[name]()
    masked.load_state_dict(module.state_dict())
    expected = masked({"tokens": tokens, "mask": torch.ones(2, 5, dtype=torch.bool)})["features"]
    torch.testing.assert_close(module({"tokens": tokens})["features"], expected)


@pytest.mark.parametrize("name", MAKERS)
def test_gradients_reach_all_parameters(name: str) -> None:
    module = MAKERS[name]()
    weights = torch.randn(8)
    out = module({"tokens": torch.randn(2, 5, 6), "mask": torch.ones(2, 5, dtype=torch.bool)})["features"]
    (out * weights).sum().backward()
    silent = [name for name, p in module.named_parameters() if p.grad is None or not p.grad.abs().sum() > 0]
    assert [name for name in silent if "bias" not in name] == []


def test_order_of_tokens_does_not_matter() -> None:
    module = Perceiver(6, 8)
    tokens, mask = torch.randn(2, 5, 6), torch.rand(2, 5) < 0.5
    order = torch.randperm(5)
    out = module({"tokens": tokens, "mask": mask})["features"]
    torch.testing.assert_close(module({"tokens": tokens[:, order], "mask": mask[:, order]})["features"], out)


def test_perceiver_step_by_step() -> None:
    module = Perceiver(6, 8, num_latents=3, num_heads=2, num_layers=1)
    tokens, mask = torch.randn(2, 5, 6), torch.ones(2, 5, dtype=torch.bool)
    latents = module.latents.expand(2, 3, 8)
    reader, thinker = module.readers[0], module.thinkers[0]
    assert isinstance(reader, TransformerLayer)
    context = torch.nn.functional.layer_norm(tokens, (6,))
    x = latents + reader.attention(torch.nn.functional.layer_norm(latents, (8,)), context)
    expected = torch.nn.functional.layer_norm(thinker(x), (8,)).mean(1)
    torch.testing.assert_close(module({"tokens": tokens, "mask": mask})["features"], expected)


def test_mean_leaves_out_masked_tokens() -> None:
    x, mask = torch.randn(3, 4, 2), torch.tensor([[1, 0, 1, 0], [1, 1, 1, 1], [0, 0, 0, 0]]).bool()
    expected = torch.stack([x[0, [0, 2]].mean(0), x[1].mean(0), torch.zeros(2)])
    torch.testing.assert_close(pooled(x, "mean", mask), expected)


def test_sizes_are_inferred() -> None:
    shapes = {"tokens": ("tokens", 6), "mask": ("tokens",)}
    assert Perceiver.infer({"latent_dim": 8}, ["tokens", "mask"], shapes, None) == {
        "in_features": 6,
        "latent_dim": 8,
        "mask_key": "mask",
    }
    assert Perceiver.infer({}, ["tokens"], shapes, None)["mask_key"] is None


def test_unknown_pool() -> None:
    with pytest.raises(ConfigError, match="LatentAttention got pool='max'"):
        LatentAttention(6, 8, pool="max")  # pyright: ignore[reportArgumentType]
