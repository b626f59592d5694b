"""SwinEncoder against attention written cell by cell."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import gelu

from metta.agent.components.swin import PatchMerging, SwinEncoder, WindowBlock, window_slots
from metta.common.errors import ConfigError


def block_by_hand(block: WindowBlock, x: Tensor, grid: tuple[int, int], window: int, shift: int) -> Tensor:
    """Each cell attends to the cells of its window; windows begin at shift, shift +- window ..."""
    heads, size = block.num_heads, x.shape[-1]
    query, key, value = block.qkv(block.attention_norm(x)).chunk(3, -1)
    cells = [(row, column) for row in range(grid[0]) for column in range(grid[1])]
    mixed = torch.zeros_like(x)
    for i, (a, b) in enumerate(cells):
        same = [
            j
            for j, (c, d) in enumerate(cells)
            if (a - shift) // window == (c - shift) // window and (b - shift) // window == (d - shift) // window
        ]
        steps = [(a - cells[j][0] + window - 1) * (2 * window - 1) + b - cells[j][1] + window - 1 for j in same]
        for h in range(heads):
            part = slice(h * size // heads, (h + 1) * size // heads)
            scores = torch.einsum("nf,nkf->nk", query[:, i, part], key[:, same, part]) / math.sqrt(size // heads)
            weights = (scores + block.bias[steps, h]).softmax(-1)
            mixed[:, i, part] = torch.einsum("nk,nkf->nf", weights, value[:, same, part])
    x = x + block.out(mixed)
    return x + block.down(gelu(block.up(block.mlp_norm(x))))


@pytest.mark.parametrize(("grid", "window"), [((4, 4), 2), ((5, 3), 2), ((3, 7), 4), ((3, 3), 4)])
@pytest.mark.parametrize("shifted", [False, True])
def test_block_equals_cell_by_cell(grid: tuple[int, int], window: int, shifted: bool) -> None:
    block, x = WindowBlock(8, 2, grid, window, shifted=shifted), torch.randn(2, grid[0] * grid[1], 8)
    torch.nn.init.normal_(block.bias)
    window = min(window, max(grid))
    shift = window // 2 if shifted and window < max(grid) else 0
    torch.testing.assert_close(block(x), block_by_hand(block, x, grid, window, shift))


def test_every_cell_has_one_slot() -> None:
    slots, places = window_slots((5, 7), 4, 2)
    assert sorted(slots[slots >= 0].tolist()) == list(range(35))
    assert torch.equal(slots.flatten()[places], torch.arange(35))
    assert (slots >= 0).any(1).all()


def test_merging_puts_four_neighbours_together() -> None:
    merging, x = PatchMerging(2, (3, 4)), torch.randn(1, 12, 2)
    grid = torch.nn.functional.pad(x.view(1, 3, 4, 2), (0, 0, 0, 0, 0, 1))
    last = torch.cat([grid[:, 2, 2], grid[:, 2, 3], grid[:, 3, 2], grid[:, 3, 3]], -1)
    torch.testing.assert_close(merging(x)[:, 3], merging.reduce(merging.norm(last)))


@pytest.mark.parametrize("depths", [(2,), (2, 1)])
def test_encoder(depths: tuple[int, ...]) -> None:
    encoder = SwinEncoder((3, 7, 9), 5, embed_dim=8, num_heads=2, window=2, patch=2, depths=depths)
    box = torch.randn(2, 3, 3, 7, 9)
    out = encoder({"box": box})["features"]
    assert out.shape == (2, 3, 5)
    torch.testing.assert_close(encoder({"box": box[1]})["features"], out[1])
    out.square().sum().backward()
    assert all(parameter.grad is not None for parameter in encoder.parameters())
    assert not any("slots" in name for name in encoder.state_dict())


def test_arena_sized_defaults_and_faults() -> None:
    assert SwinEncoder((2, 11, 11))({"box": torch.randn(2, 2, 11, 11)})["features"].shape == (2, 256)
    assert SwinEncoder.infer({}, ["box"], {"box": (2, 11, 11)}, None) == {"in_shape": (2, 11, 11)}
    with pytest.raises(ConfigError, match="embed_dim=6, num_heads=4"):
        SwinEncoder((2, 11, 11), embed_dim=6)
