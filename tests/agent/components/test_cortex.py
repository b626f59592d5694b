"""Cortex: blocks by letters, mixed in columns."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from metta.agent.components.cortex import BLOCKS, CELLS, BareBlock, Cortex, PostUpBlock, PreUpBlock
from metta.agent.policy_config import CORTEX_LETTERS
from metta.common.errors import ConfigError


def test_letters_are_those_of_the_configs() -> None:
    assert set(CELLS) == set(CORTEX_LETTERS)


@pytest.mark.parametrize("letter", sorted(CELLS))
@pytest.mark.parametrize("projection", sorted(BLOCKS))
def test_every_cell_goes_with_every_projection(letter: str, projection: str) -> None:
    torch.manual_seed(0)
    core: Any = Cortex(5, 8, letter, num_heads=2, memory_size=3, projection=projection)  # pyright: ignore[reportArgumentType]
    assert not core.routers
    assert type(core.blocks[0]) is BLOCKS[projection]  # pyright: ignore[reportArgumentType]
    width = 16 if projection == "pre_up" else 8
    assert core.blocks[0].cell.in_features == width
    out, _ = core.run(torch.randn(2, 3, 5), torch.zeros(2, 3, dtype=torch.bool), core.initial_state(2))
    assert out.shape == (2, 3, 8)


def test_usual_projections() -> None:
    core = Cortex(5, 8, "AXMSLC", num_heads=2)
    assert [type(block) for block in core.blocks] == [
        PreUpBlock,
        PostUpBlock,
        PreUpBlock,
        PostUpBlock,
        PostUpBlock,
        BareBlock,
    ]


def test_columns_take_equal_shares_at_first_then_what_the_router_says() -> None:
    torch.manual_seed(0)
    core: Any = Cortex(5, 8, "CA", num_heads=2, post_norm=False)
    x, first, state = torch.randn(2, 3, 5), torch.zeros(2, 3, dtype=torch.bool), core.initial_state(2)
    inside = core.into(x)
    added = [
        block.change(inside, first, {key[2:]: v for key, v in state.items() if key[0] == str(index)})[0]
        for index, block in enumerate(core.blocks)
    ]
    torch.testing.assert_close(core.run(x, first, state)[0], inside + (added[0] + added[1]) / 2)
    with torch.no_grad():
        core.routers[0].bias.copy_(torch.tensor([50.0, 0.0]))
    torch.testing.assert_close(core.run(x, first, state)[0], inside + added[0])


def test_sizes() -> None:
    core = Cortex(5, 8, "XL", 2, num_heads=2, memory_size=3, out_features=6)
    assert core.out_features == core.output_shapes["core"][0] == 6
    assert len(core.blocks) == 4
    assert core.memory_shapes["cortex_2_k"] == (3, 8)
    assert core.memory_shapes["cortex_3_h"] == (1, 8)


@pytest.mark.parametrize(("pattern", "says"), [("AQ", r"no cells \['Q'\].*M mLSTM"), ("", "it is empty")])
def test_wrong_patterns_are_told(pattern: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Cortex(5, 8, pattern)
