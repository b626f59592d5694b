"""Self-attention and transformer blocks over a sequence of vectors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from torch import Tensor

from metta.agent.components.attention_layers import MultiHeadAttention, NormPlace, TransformerLayer
from metta.agent.components.inference import complete, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

Over = Literal["vector", "tokens"]


class AttentionModule(MettaModule):
    """Multi-head self-attention.

    ``over="tokens"``: each vector of a sequence attends to all of them, or with ``mask_key`` to those whose mask is
    True; what the others hold changes nothing, and their outputs are 0. ``over="vector"`` (the default, for inputs
    that are single vectors): a sequence of one, so that the component stands in for any encoder of vectors; batch
    dimensions, be they ``[B]`` or ``[s, T]``, never attend to each other. ``infer`` chooses by the input's shape.

    Shapes: ``in_key [..., F] float32`` -> ``out_key [..., F] float32``, or over tokens ``[..., K, F]`` and ``mask_key
    [..., K] bool`` -> ``[..., K, F]``.
    Source: arXiv:1706.03762 sec. 3.2.

    >>> import torch
    >>> attention = AttentionModule(16, 4, "tokens", "attended", over="tokens")
    >>> attention({"tokens": torch.randn(2, 5, 16)})["attended"].shape
    torch.Size([2, 5, 16])
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        in_key: str = "input",
        out_key: str = "attended",
        *,
        over: Over = "vector",
        mask_key: str | None = None,
    ) -> None:
        if over not in ("vector", "tokens") or (mask_key is not None and over == "vector"):
            raise ConfigError(
                f"AttentionModule got over={over!r}, mask_key={mask_key!r}: over is 'vector' or 'tokens', and a mask "
                f"goes with tokens only. Set over: tokens."
            )
        shape: Shape = (embed_dim,) if over == "vector" else ("tokens", embed_dim)
        inputs = with_mask(in_key, mask_key, shape)
        super().__init__(inputs, [out_key], input_shapes=inputs, output_shapes={out_key: shape})
        self.in_key, self.out_key, self.mask_key, self.over = in_key, out_key, mask_key, over
        self.attention = MultiHeadAttention(embed_dim, num_heads)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        shape = shapes.get(in_keys[0])
        over = None if shape is None else "tokens" if len(shape) > 1 else "vector"
        return complete(config, embed_dim=size_of(shapes, in_keys), over=over)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td[self.in_key]
        if self.over == "vector":
            flat = x.reshape(-1, 1, x.shape[-1])
            return {self.out_key: self.attention(flat, flat).view(x.shape)}
        flat, mask = rows_of(x, td, self.mask_key)
        return {self.out_key: cleared(self.attention(flat, flat, mask), mask).view(x.shape)}


class TransformerBlock(MettaModule):
    """Self-attention and an MLP with residual paths and layer norms, over a sequence of vectors.

    With ``causal`` a vector sees itself and those before it; with ``mask_key`` only those whose mask is True, and the
    others' outputs are 0.

    Shapes: ``in_key [..., K, F] float32``, ``mask_key [..., K] bool`` -> ``out_key [..., K, F] float32``.
    Source: arXiv:1706.03762 sec. 3.1 (``norm="post"``), arXiv:2002.04745 fig. 1 (``norm="pre"``).
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        in_key: str = "tokens",
        out_key: str = "hidden",
        *,
        mlp_ratio: float = 4.0,
        norm: NormPlace = "pre",
        causal: bool = False,
        activation: str = "gelu",
        dropout: float = 0.0,
        mask_key: str | None = None,
    ) -> None:
        shape: Shape = ("tokens", embed_dim)
        inputs = with_mask(in_key, mask_key, shape)
        super().__init__(inputs, [out_key], input_shapes=inputs, output_shapes={out_key: shape})
        self.in_key, self.out_key, self.mask_key, self.causal = in_key, out_key, mask_key, causal
        self.layer = TransformerLayer(
            embed_dim, num_heads, mlp_ratio=mlp_ratio, norm=norm, activation=activation, dropout=dropout
        )

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, embed_dim=size_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td[self.in_key]
        flat, mask = rows_of(x, td, self.mask_key)
        return {self.out_key: cleared(self.layer(flat, mask=mask, causal=self.causal), mask).view(x.shape)}


def with_mask(in_key: str, mask_key: str | None, shape: Shape) -> dict[str, Shape]:
    """Input keys and shapes of a component over tokens, which may have a mask."""
    return {in_key: shape} if mask_key is None else {in_key: shape, mask_key: shape[:-1]}


def rows_of(x: Tensor, td: TensorMap, mask_key: str | None) -> tuple[Tensor, Tensor | None]:
    """Sequences and their masks with the batch dimensions made one: ``[N, K, F]``, ``[N, K]``.

    What the mask leaves out is set to 0, since not-a-number would survive a weight of 0.
    """
    flat = x.reshape(-1, *x.shape[-2:])
    if mask_key is None:
        return flat, None
    mask = td[mask_key].reshape(-1, x.shape[-2])
    return flat.masked_fill(~mask[..., None], 0.0), mask


def cleared(x: Tensor, mask: Tensor | None) -> Tensor:
    """``x [N, K, F]`` with 0 where the mask is False."""
    return x if mask is None else x.masked_fill(~mask[..., None], 0.0)
