"""Attention as plain layers over ``[N, K, F]``, which the components with keys are made of."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

from metta.agent.components.activation import activation_named, gain_of, orthogonal_init
from metta.agent.components.dense import dense
from metta.agent.components.latent_read import attends_natively, latent_read, reads_natively, small_attention
from metta.common.errors import ConfigError

NormPlace = Literal["pre", "post"]


class MultiHeadAttention(nn.Module):
    """Scaled dot-product attention of queries to a context, with exact masks.

    A token that ``mask`` leaves out has weight 0, so that any finite number in it changes nothing; a query that may see
    no token at all gets the output's bias alone.

    Shapes (N rows, Q queries, K context tokens): ``x [N, Q, F]``, ``context [N, K, C]``, ``mask [N, K] bool`` (True =
    may be seen) -> ``[N, Q, F]``.
    Source: arXiv:1706.03762 eq. 1 and sec. 3.2.2.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        context_dim: int | None = None,
        qk_dim: int | None = None,
        native: bool = True,
    ) -> None:
        super().__init__()
        self.native = native
        qk_dim, context_dim = qk_dim or dim, context_dim or dim
        for name, size in (("its width", dim), ("qk_dim", qk_dim)):
            if num_heads < 1 or size % num_heads:
                raise ConfigError(
                    f"attention with num_heads={num_heads} needs {name} to be a multiple of that, got {size}. "
                    f"Change num_heads or the width."
                )
        self.num_heads, self.qk_dim, self.dim = num_heads, qk_dim, dim
        self.query = orthogonal_init(nn.Linear(dim, qk_dim), 1.0)
        self.key_value = nn.Linear(context_dim, qk_dim + dim)
        for part in self.key_value.weight.data.split([qk_dim, dim]):  # each on its own: keys differ, values differ
            nn.init.orthogonal_(part)
        nn.init.zeros_(self.key_value.bias)
        self.out = orthogonal_init(nn.Linear(dim, dim), 1.0)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None, *, causal: bool = False) -> Tensor:
        if self.native and not causal and attends_natively(x, context, mask):
            return dense(
                self.out, small_attention(dense(self.query, x), dense(self.key_value, context), self.num_heads)
            )
        heads = (self.num_heads, -1)
        query = self.query(x).unflatten(-1, heads).transpose(1, 2)
        key, value = (
            part.unflatten(-1, heads).transpose(1, 2)
            for part in self.key_value(context).split([self.qk_dim, self.dim], -1)
        )
        if mask is None:
            mixed = scaled_dot_product_attention(query, key, value, is_causal=causal)
        else:
            allowed = mask[:, None, None, :]  # [N, 1, 1, K]
            if causal:
                allowed = allowed & torch.ones(x.shape[1], context.shape[1], dtype=torch.bool, device=x.device).tril()
            some = allowed.any(-1, keepdim=True)
            # A softmax over nothing is not a number: such a query looks at everything, and the result is thrown away.
            mixed = scaled_dot_product_attention(query, key, value, attn_mask=allowed | ~some) * some
        return self.out(mixed.transpose(1, 2).flatten(-2))


class TransformerLayer(nn.Module):
    """Attention and a two-layer MLP, each with a residual path and a layer norm.

    ``norm="pre"`` normalises what enters the two (and the context, if there is one), ``"post"`` the sums.
    ``mlp_ratio=0`` leaves the MLP out. Without ``context_dim`` it is self-attention. On the CPU a native kernel reads a
    masked context (``latent_read``, equal results); ``native=False`` does without.

    Shapes: ``x [N, Q, F]``, ``context [N, K, C]``, ``mask [N, K] bool`` -> ``[N, Q, F]``.
    Source: arXiv:1706.03762 sec. 3.1 (post), arXiv:2002.04745 fig. 1 (pre).
    """

    def __init__(
        self,
        dim: int,
        num_heads: int,
        *,
        context_dim: int | None = None,
        qk_dim: int | None = None,
        mlp_ratio: float = 4.0,
        norm: NormPlace = "pre",
        activation: str = "gelu",
        dropout: float = 0.0,
        native: bool = True,
    ) -> None:
        super().__init__()
        if norm not in ("pre", "post"):
            raise ConfigError(f"norm={norm!r}: a transformer layer has norm='pre' or norm='post'.")
        self.pre, self.native = norm == "pre", native
        self.attention = MultiHeadAttention(dim, num_heads, context_dim=context_dim, qk_dim=qk_dim, native=native)
        self.attention_norm = nn.LayerNorm(dim)
        self.context_norm = nn.LayerNorm(context_dim) if context_dim is not None and self.pre else None
        self.dropout = nn.Dropout(dropout)
        self.activate = activation_named(activation)
        hidden = round(dim * mlp_ratio)
        if hidden:
            self.mlp_norm = nn.LayerNorm(dim)
            self.up = orthogonal_init(nn.Linear(dim, hidden), gain_of(activation))
            self.down = orthogonal_init(nn.Linear(hidden, dim), 1.0)
        self.has_mlp = bool(hidden)

    def forward(
        self, x: Tensor, context: Tensor | None = None, mask: Tensor | None = None, *, causal: bool = False
    ) -> Tensor:
        if context is not None and not causal and self.passes_over(context, mask):
            assert mask is not None
            assert self.context_norm is not None
            own = x[:1] if x.stride(0) == 0 else x  # latents that nothing has been read into: the same for all rows
            read = latent_read(self.attention, self.attention_norm(own), context, mask, self.context_norm)
            x = x + self.dropout(read)
            return x + self._mlp(self.mlp_norm(x)) if self.has_mlp else x
        if context is not None and self.context_norm is not None:
            context = self.context_norm(context)
        if self.pre:
            queries = self.attention_norm(x)
            x = x + self.dropout(self.attention(queries, queries if context is None else context, mask, causal=causal))
            return x + self._mlp(self.mlp_norm(x)) if self.has_mlp else x
        x = self.attention_norm(
            x + self.dropout(self.attention(x, x if context is None else context, mask, causal=causal))
        )
        return self.mlp_norm(x + self._mlp(x)) if self.has_mlp else x

    def passes_over(self, context: Tensor, mask: Tensor | None) -> bool:
        """Whether a native kernel reads ``context``: it never looks at what ``mask`` leaves out."""
        return self.native and reads_natively(context, mask, self.context_norm)

    def _mlp(self, x: Tensor) -> Tensor:
        return self.dropout(dense(self.down, dense(self.up, x, self.activate)))
