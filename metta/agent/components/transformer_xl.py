"""TransformerXL: attention over a sliding window of the past, kept as keys and values per agent row."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metta.agent.components.slstm import check_heads
from metta.agent.recurrent import RecurrentModule, State, chain_state_shapes, state_of, state_under, steps_since_reset

# Low enough for weight 0; finite, because a row that sees nothing must not turn into NaN in exported graphs.
_UNSEEN = torch.finfo(torch.float32).min / 2


class XLAttention(RecurrentModule):
    """Each step attends to itself and to the last ``memory_size`` steps of its episode, by content and by distance.

    The memory holds keys and values as they were computed, so that a step costs one step's projections. They are those
    of the weights of their time: as in segment recurrence, gradients end where the segment begins. ``count`` says how
    many entries (the newest ones, at the end) are filled.

    Shapes (M ``memory_size``, H ``hidden_size``; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or
    ``[B, F]``, ``first``, ``memory/<name>_k``, ``memory/<name>_v [s or B, M, H]``, ``memory/<name>_count [., 1]`` ->
    ``core [s, T, H]`` or ``[B, H]``, ``next_memory/<name>_{k,v,count}``.
    Source: arXiv:1901.02860 sec. 3.2 (segment recurrence) and 3.3 (relative positions).
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        memory_size: int = 32,
        in_key: str = "features",
        out_key: str = "core",
        *,
        num_heads: int = 4,
        first_key: str = "first",
        memory_name: str = "xl",
    ) -> None:
        check_heads("XLAttention", hidden_size, num_heads)
        shapes = {"k": (memory_size, hidden_size), "v": (memory_size, hidden_size), "count": (1,)}
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.num_heads, self.memory_size = num_heads, memory_size
        self.qkv = nn.Linear(in_features, 3 * hidden_size)
        self.distance = nn.Linear(hidden_size, hidden_size, bias=False)
        self.content_bias = nn.Parameter(torch.zeros(hidden_size))
        self.distance_bias = nn.Parameter(torch.zeros(hidden_size))
        self.out = nn.Linear(hidden_size, hidden_size)
        self.register_buffer("waves", sinusoids(memory_size + 1, hidden_size), persistent=False)

    waves: Tensor

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        q, k, v = self.qkv(x).chunk(3, dim=-1)
        k, v = torch.cat([state["k"], k], dim=1), torch.cat([state["v"], v], dim=1)  # [s, M + T, H]
        size, age = self.memory_size, steps_since_reset(first)
        count = torch.where(age > first.shape[1], state["count"] + steps_from(1, first), age + 1.0)
        lag = steps_from(size, first).unsqueeze(-1) - torch.arange(k.shape[1], device=x.device)  # [T, M + T]
        seen = (lag >= 0) & (lag <= size) & (lag < count.unsqueeze(-1))
        mixed = self._attend(q, k, v, lag.clamp(0, size), seen)
        count = count[:, -1:].clamp(max=size)
        kept = (torch.arange(size, 0, -1, device=x.device) <= count).unsqueeze(-1)
        k, v = k[:, -size:].where(kept, 0.0), v[:, -size:].where(kept, 0.0)
        return self.out(mixed), {"k": k, "v": v, "count": count}

    def _attend(self, q: Tensor, k: Tensor, v: Tensor, lag: Tensor, seen: Tensor) -> Tensor:
        """Shapes: ``q [s, T, H]``; ``k``, ``v [s, M + T, H]``; ``lag [T, M + T]``; ``seen [s, T, M + T] bool``."""
        by_content, by_distance, k, v = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)
            for part in (q + self.content_bias, q + self.distance_bias, k, v)
        )
        far = self.distance(self.waves).unflatten(-1, (self.num_heads, -1)).permute(1, 2, 0)  # [heads, D, M + 1]
        near = (by_distance @ far).gather(-1, lag.expand(*by_distance.shape[:2], -1, -1))
        bias = (near * v.shape[-1] ** -0.5).masked_fill(~seen.unsqueeze(1), _UNSEEN)
        mixed = nn.functional.scaled_dot_product_attention(by_content, k, v, attn_mask=bias)
        return mixed.transpose(1, 2).flatten(2)


class TransformerXL(RecurrentModule):
    """Layers of ``XLAttention`` and MLP, each behind a layer norm, with residuals: a transformer over time.

    Through L layers a step feels what happened up to ``L * memory_size`` steps before.

    Shapes: see ``RecurrentModule``; the memory is that of ``num_layers`` attentions, ``<name>_<layer>_{k,v,count}``.
    ``features [s, T, F]`` -> ``core [s, T, H]``.
    Source: arXiv:1901.02860; norm before each part: arXiv:1910.06764 sec. 3.1.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        num_layers: int = 1,
        in_key: str = "features",
        out_key: str = "core",
        *,
        memory_size: int = 32,
        num_heads: int = 4,
        mlp_ratio: int = 2,
        first_key: str = "first",
        memory_name: str = "xl",
    ) -> None:
        attentions = [
            XLAttention(hidden_size, hidden_size, memory_size, num_heads=num_heads) for _ in range(num_layers)
        ]
        shapes = chain_state_shapes(attentions)
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.into = nn.Linear(in_features, hidden_size)
        self.attentions = nn.ModuleList(attentions)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in attentions)
        self.mlps = nn.ModuleList(residual_mlp(hidden_size, mlp_ratio) for _ in attentions)
        self.norm = nn.LayerNorm(hidden_size)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        x, after = self.into(x), {}
        for index, (attention, norm, mlp) in enumerate(zip(self.attentions, self.norms, self.mlps, strict=True)):
            assert isinstance(attention, XLAttention)
            mixed, kept = attention.run(norm(x), first, state_of(index, state))
            x = x + mixed
            x = x + mlp(x)
            after |= state_under(index, kept)
        return self.norm(x), after


def residual_mlp(size: int, ratio: int) -> nn.Sequential:
    """Norm, a layer ``ratio`` times as wide, and back: what is added to its own input."""
    return nn.Sequential(nn.LayerNorm(size), nn.Linear(size, ratio * size), nn.GELU(), nn.Linear(ratio * size, size))


def steps_from(start: int, first: Tensor) -> Tensor:
    """``start, start + 1, ...``, one for each step of ``first [s, T]``."""
    return torch.arange(start, start + first.shape[1], device=first.device)


def sinusoids(num_positions: int, size: int) -> Tensor:
    """Sines and cosines of each position, ``[num_positions, size]``. Source: arXiv:1706.03762 sec. 3.5."""
    frequencies = 10_000.0 ** -(torch.arange(0, size, 2) / size)
    angles = torch.arange(num_positions).unsqueeze(-1) * frequencies
    return torch.cat([angles.sin(), angles.cos()], dim=-1)[:, :size]
