"""SwinEncoder: attention within windows of a grid, which shift from block to block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.components.activation import gain_of, orthogonal_init
from metta.agent.components.inference import complete, shape_of
from metta.agent.components.nn_module import in_one_batch
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

_BIAS_STD = 0.02


class SwinEncoder(MettaModule):
    """Patches of the box attend to each other within windows; every second block's windows are shifted by half.

    Between stages (``depths`` has one number of blocks each) four neighbours become one of twice the width, and heads
    double. The mean over the last grid goes through a linear layer. Grids that patches or windows do not divide are
    handled exactly: cells that do not exist are seen by none.

    Shapes: ``box [..., C, H, W] float32`` -> ``features [..., out_features] float32``.
    Source: arXiv:2103.14030 sec. 3.
    """

    def __init__(
        self,
        in_shape: tuple[int, int, int],
        out_features: int = 256,
        in_key: str = "box",
        out_key: str = "features",
        *,
        embed_dim: int = 96,
        depths: Sequence[int] = (2,),
        num_heads: int = 4,
        window: int = 4,
        patch: int = 4,
        mlp_ratio: float = 4.0,
    ) -> None:
        if embed_dim % num_heads or min(window, patch, num_heads, *depths) < 1:
            raise ConfigError(
                f"SwinEncoder got embed_dim={embed_dim}, num_heads={num_heads}, window={window}, patch={patch}, "
                f"depths={tuple(depths)}: embed_dim must be a multiple of num_heads, and the others at least 1."
            )
        channels, height, width = in_shape
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: tuple(in_shape)}, output_shapes={out_key: (out_features,)}
        )
        self.in_key, self.out_key = in_key, out_key
        self.padding = (0, -width % patch, 0, -height % patch)  # right and below, with zeros
        self.patches = orthogonal_init(nn.Conv2d(channels, embed_dim, patch, patch), 1.0)
        grid, dim = (-(-height // patch), -(-width // patch)), embed_dim
        self.stages = nn.ModuleList()
        for stage, depth in enumerate(depths):
            if stage:
                self.stages.append(PatchMerging(dim, grid))
                grid, dim, num_heads = ((grid[0] + 1) // 2, (grid[1] + 1) // 2), 2 * dim, 2 * num_heads
            self.stages.extend(
                WindowBlock(dim, num_heads, grid, window, shifted=bool(block % 2), mlp_ratio=mlp_ratio)
                for block in range(depth)
            )
        self.norm = nn.LayerNorm(dim)
        self.out = orthogonal_init(nn.Linear(dim, out_features), 1.0)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_shape=shape_of(shapes, in_keys))

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: in_one_batch(self._encode, td[self.in_key], 3)}

    def _encode(self, box: Tensor) -> Tensor:
        x = self.patches(nn.functional.pad(box, self.padding)).flatten(2).transpose(1, 2)  # [N, cells, F]
        for stage in self.stages:
            x = stage(x)
        return self.out(self.norm(x).mean(1))


class WindowBlock(nn.Module):
    """Attention within windows of a grid and an MLP, both with residual paths and norms before.

    A shifted grid of windows starts half a window further up and left, so that its windows straddle the others'::

        window 4, not shifted: |0 1 2 3|4 5 6 7|8       shifted: 0 1|2 3 4 5|6 7 8

    Shapes: ``[N, cells, F]`` -> the same; cells are counted by rows.
    """

    slots: Tensor
    exists: Tensor
    places: Tensor
    relative: Tensor

    def __init__(
        self, dim: int, num_heads: int, grid: tuple[int, int], window: int, *, shifted: bool, mlp_ratio: float = 4.0
    ) -> None:
        super().__init__()
        window = min(window, max(grid))
        slots, places = window_slots(grid, window, window // 2 if shifted and window < max(grid) else 0)
        self.num_heads = num_heads
        a, b = torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")
        a, b = a.flatten(), b.flatten()
        relative = (a[:, None] - a + window - 1) * (2 * window - 1) + (b[:, None] - b + window - 1)
        for name, table in (
            ("slots", slots.clamp(min=0)),
            ("exists", slots >= 0),
            ("places", places),
            ("relative", relative),
        ):
            self.register_buffer(name, table, persistent=False)
        self.bias = nn.Parameter(torch.randn((2 * window - 1) ** 2, num_heads) * _BIAS_STD)
        self.attention_norm, self.mlp_norm = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, 3 * dim)
        for part in self.qkv.weight.data.split(dim):
            nn.init.orthogonal_(part)
        nn.init.zeros_(self.qkv.bias)
        self.out = orthogonal_init(nn.Linear(dim, dim), 1.0)
        self.up = orthogonal_init(nn.Linear(dim, round(dim * mlp_ratio)), gain_of("gelu"))
        self.down = orthogonal_init(nn.Linear(round(dim * mlp_ratio), dim), 1.0)

    def forward(self, x: Tensor) -> Tensor:
        windows = self.attention_norm(x)[:, self.slots]  # [N, windows, slots, F]
        query, key, value = (
            part.unflatten(-1, (self.num_heads, -1)).transpose(2, 3) for part in self.qkv(windows).chunk(3, -1)
        )
        bias = self.bias[self.relative].permute(2, 0, 1)  # [heads, slots, slots]
        allowed = torch.where(self.exists[:, None, None, :], bias, float("-inf"))
        mixed = nn.functional.scaled_dot_product_attention(query, key, value, attn_mask=allowed[None])
        cells = mixed.transpose(2, 3).flatten(-2).flatten(1, 2)[:, self.places]
        x = x + self.out(cells)
        return x + self.down(nn.functional.gelu(self.up(self.mlp_norm(x))))


class PatchMerging(nn.Module):
    """Four neighbours to one cell of twice the width; odd grids are filled up with zeros.

    Shapes: ``[N, H * W, F]`` -> ``[N, ceil(H / 2) * ceil(W / 2), 2 F]``.
    """

    def __init__(self, dim: int, grid: tuple[int, int]) -> None:
        super().__init__()
        self.grid = grid
        self.norm = nn.LayerNorm(4 * dim)
        self.reduce = orthogonal_init(nn.Linear(4 * dim, 2 * dim, bias=False), 1.0)

    def forward(self, x: Tensor) -> Tensor:
        height, width = self.grid
        x = nn.functional.pad(x.unflatten(1, self.grid), (0, 0, 0, width % 2, 0, height % 2))
        fours = torch.cat([x[:, row::2, column::2] for row in (0, 1) for column in (0, 1)], -1)
        return self.reduce(self.norm(fours.flatten(1, 2)))


def window_slots(grid: tuple[int, int], window: int, shift: int) -> tuple[Tensor, Tensor]:
    """Which cell stands in which slot of which window, and where each cell went.

    Shapes: ``slots [windows, window^2] int64`` (-1: no cell), ``places [cells] int64`` (window * window^2 + slot).
    """
    start = -((window - shift) % window)
    slots: list[list[int]] = []
    places = torch.zeros(grid[0] * grid[1], dtype=torch.int64, device="cpu")
    for top in range(start, grid[0], window):
        for left in range(start, grid[1], window):
            found = [
                row * grid[1] + column if 0 <= row < grid[0] and 0 <= column < grid[1] else -1
                for row in range(top, top + window)
                for column in range(left, left + window)
            ]
            for slot, cell in enumerate(found):
                if cell >= 0:
                    places[cell] = len(slots) * window**2 + slot
            slots.append(found)
    return torch.tensor(slots), places.to(torch.get_default_device())
