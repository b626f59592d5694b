"""From a set of tokens to a vector, or to a few: learned queries, Perceiver, transformer with a class token."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from metta.agent.components.activation import orthogonal_init
from metta.agent.components.attention import cleared, with_mask
from metta.agent.components.attention_layers import NormPlace, TransformerLayer
from metta.agent.components.inference import complete, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

Pool = Literal["mean", "first", "none"]
_QUERY_STD = 0.02  # that of learned tokens in arXiv:2010.11929 and its kin


class _TokenEncoder(MettaModule):
    """Keys, shapes and pooling that the encoders of this file share."""

    def __init__(
        self, in_features: int, out_shape: Shape, in_key: str, out_key: str, pool: Pool, mask_key: str | None
    ) -> None:
        if pool not in ("mean", "first", "none"):
            raise ConfigError(f"{type(self).__name__} got pool={pool!r}: choose 'mean', 'first' or 'none'.")
        inputs = with_mask(in_key, mask_key, ("tokens", in_features))
        super().__init__(inputs, [out_key], input_shapes=inputs, output_shapes={out_key: out_shape})
        self.in_key, self.out_key, self.mask_key = in_key, out_key, mask_key
        self.pool: Pool = pool

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        found = complete(config, in_features=size_of(shapes, in_keys))
        # A second input is the mask; without one there is none, whatever the default says.
        return complete(found, mask_key=in_keys[1]) if len(in_keys) > 1 else {**found, "mask_key": None}

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td[self.in_key]
        mask = None if self.mask_key is None else td[self.mask_key].reshape(-1, x.shape[-2])
        tokens = x.reshape(-1, *x.shape[-2:])
        out = self._encode(tokens if self._passes_over(tokens, mask) else cleared(tokens, mask), mask)
        return {self.out_key: out.view(*x.shape[:-2], *out.shape[1:])}

    def _passes_over(self, tokens: Tensor, mask: Tensor | None) -> bool:
        """Whether what the mask leaves out is not even looked at; otherwise it is set to 0 first."""
        return False

    def _encode(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        """``[N, K, F]``, ``[N, K]`` -> ``[N, *out_shape]``."""
        raise NotImplementedError


class LatentAttention(_TokenEncoder):
    """Learned queries attend to the tokens, layer by layer: a set of any size becomes ``num_queries`` vectors.

    ``pool``: ``"none"`` keeps them, ``"first"`` gives the first one (a class token), ``"mean"`` their mean. Tokens
    whose mask is False change nothing. ``mask_key=None``: all tokens count.

    Shapes (K tokens, Q ``num_queries``): ``tokens [..., K, in_features] float32``, ``mask [..., K] bool`` -> ``features
    [..., out_features]``, or ``[..., Q, out_features]`` with ``pool="none"``.
    Source: pooling by attention, arXiv:1810.00825 sec. 3.2.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        in_key: str = "tokens",
        out_key: str = "features",
        *,
        num_queries: int = 10,
        num_heads: int = 4,
        num_layers: int = 2,
        query_dim: int | None = None,
        qk_dim: int | None = None,
        mlp_ratio: float = 4.0,
        pool: Pool = "none",
        mask_key: str | None = "mask",
    ) -> None:
        shape = (num_queries, out_features) if pool == "none" else (out_features,)
        super().__init__(in_features, shape, in_key, out_key, pool, mask_key)
        dim = query_dim or out_features
        self.queries = nn.Parameter(torch.randn(num_queries, dim) * _QUERY_STD)
        self.layers = nn.ModuleList(
            TransformerLayer(dim, num_heads, context_dim=in_features, qk_dim=qk_dim, mlp_ratio=mlp_ratio)
            for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.out = orthogonal_init(nn.Linear(dim, out_features), 1.0)

    def _passes_over(self, tokens: Tensor, mask: Tensor | None) -> bool:
        return all(layer.passes_over(tokens, mask) for layer in self.layers if isinstance(layer, TransformerLayer))

    def _encode(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        x = self.queries.expand(tokens.shape[0], -1, -1)
        for layer in self.layers:
            x = layer(x, tokens, mask)
        return self.out(pooled(self.norm(x), self.pool))


class Perceiver(_TokenEncoder):
    """A few latent vectors read all tokens by cross-attention and then think among themselves, several times.

    Cost grows with ``num_latents * K``, not with ``K * K``. Tokens whose mask is False change nothing; with none left
    the latents think about nothing but themselves. ``pool`` is as in `LatentAttention`. ``mask_key=None``: all count.

    Shapes (K tokens, L ``num_latents``): ``tokens [..., K, in_features] float32``, ``mask [..., K] bool`` -> ``features
    [..., latent_dim]``, or ``[..., L, latent_dim]`` with ``pool="none"``.
    Source: arXiv:2103.03206 sec. 3.
    """

    def __init__(
        self,
        in_features: int,
        latent_dim: int,
        in_key: str = "tokens",
        out_key: str = "features",
        *,
        num_latents: int = 16,
        num_heads: int = 4,
        num_layers: int = 2,
        mlp_ratio: float = 4.0,
        pool: Pool = "mean",
        mask_key: str | None = "mask",
    ) -> None:
        shape = (num_latents, latent_dim) if pool == "none" else (latent_dim,)
        super().__init__(in_features, shape, in_key, out_key, pool, mask_key)
        self.latents = nn.Parameter(torch.randn(num_latents, latent_dim) * _QUERY_STD)
        self.readers = nn.ModuleList(
            TransformerLayer(latent_dim, num_heads, context_dim=in_features, mlp_ratio=0) for _ in range(num_layers)
        )
        self.thinkers = nn.ModuleList(
            TransformerLayer(latent_dim, num_heads, mlp_ratio=mlp_ratio) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(latent_dim)

    def _passes_over(self, tokens: Tensor, mask: Tensor | None) -> bool:
        return all(layer.passes_over(tokens, mask) for layer in self.readers if isinstance(layer, TransformerLayer))

    def _encode(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        x = self.latents.expand(tokens.shape[0], -1, -1)
        for read, think in zip(self.readers, self.thinkers, strict=True):
            x = think(read(x, tokens, mask))
        return pooled(self.norm(x), self.pool)


class TokenTransformer(_TokenEncoder):
    """Self-attention among the tokens, then a class token (``pool="first"``), their mean, or all of them.

    Tokens whose mask is False change nothing: they are seen by none, left out of the mean, and 0 in the output of
    ``pool="none"``. ``mask_key=None``: all tokens count.

    Shapes (K tokens): ``tokens [..., K, in_features] float32``, ``mask [..., K] bool`` -> ``features [...,
    out_features]``, or ``[..., K, out_features]`` with ``pool="none"``.
    Source: class token: arXiv:1810.04805 sec. 3, arXiv:2010.11929 sec. 3.1.
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        in_key: str = "tokens",
        out_key: str = "features",
        *,
        embed_dim: int | None = None,
        num_heads: int = 8,
        num_layers: int = 4,
        mlp_ratio: float = 4.0,
        qk_dim: int | None = None,
        norm: NormPlace = "pre",
        pool: Pool = "first",
        mask_key: str | None = "mask",
    ) -> None:
        shape = ("tokens", out_features) if pool == "none" else (out_features,)
        super().__init__(in_features, shape, in_key, out_key, pool, mask_key)
        dim = embed_dim or out_features
        self.project = orthogonal_init(nn.Linear(in_features, dim), 1.0)
        self.class_token = nn.Parameter(torch.randn(dim) * _QUERY_STD) if pool == "first" else None
        self.layers = nn.ModuleList(
            TransformerLayer(dim, num_heads, qk_dim=qk_dim, mlp_ratio=mlp_ratio, norm=norm) for _ in range(num_layers)
        )
        self.norm = nn.LayerNorm(dim)
        self.out = orthogonal_init(nn.Linear(dim, out_features), 1.0)

    def _encode(self, tokens: Tensor, mask: Tensor | None) -> Tensor:
        x = self.project(tokens)
        if self.class_token is not None:
            x = torch.cat([self.class_token.expand(x.shape[0], 1, -1), x], 1)
            mask = None if mask is None else nn.functional.pad(mask, (1, 0), value=True)
        for layer in self.layers:
            x = layer(x, mask=mask)
        out = self.out(pooled(self.norm(x), self.pool, mask))
        return out if self.pool != "none" or mask is None else out.masked_fill(~mask[..., None], 0.0)


def pooled(x: Tensor, pool: Pool, mask: Tensor | None = None) -> Tensor:
    """One vector of ``x [N, K, F]``: the first, or the mean over those whose mask is True (0 where none is)."""
    if pool == "none":
        return x
    if pool == "first":
        return x[:, 0]
    if mask is None:
        return x.mean(1)
    return x.masked_fill(~mask[..., None], 0.0).sum(1) / mask.sum(1, keepdim=True).clamp(min=1)
