"""Tiles of every kind and size."""

from __future__ import annotations

import numpy as np
import pytest

from metta.mettagrid.render.tiles import GROUPS, agent_tile, colour_of, object_tile, wall_tile

KINDS = (
    "mine_red",
    "generator_red",
    "altar",
    "lasery",
    "armory",
    "chest",
    "door",
    "pile",
    "plant",
    "block",
    "assembler",
    "oven",
)


@pytest.mark.parametrize("size", [8, 16, 24])
@pytest.mark.parametrize("kind", KINDS)
def test_objects_fill_their_plate(kind: str, size: int) -> None:
    tile = object_tile(size, kind, "idle")
    assert tile.shape == (size, size, 4)
    assert tile[..., :3].min() >= 0
    assert tile[..., :3].max() <= 255
    assert tile[size // 2, size // 2, 3] == 1, "the middle is covered"
    assert tile[0, 0, 3] < 0.5, "the corner shows the floor"
    assert object_tile(size, kind, "idle") is tile, "drawn once"


def test_kinds_can_be_told_apart() -> None:
    tiles = {object_tile(16, kind, state).tobytes() for kind in KINDS for state in ("idle", "busy", "full")}
    assert len(tiles) == 3 * len(KINDS)
    assert colour_of("mine_blue") == colour_of("generator_blue") != colour_of("mine_red")
    assert colour_of("oven") == colour_of("oven") != colour_of("fridge")


def test_agents_look_where_they_face() -> None:
    """The nose is the only part that reaches the tile's edge."""
    edges = {0: (0, 12), 1: (23, 12), 2: (12, 0), 3: (12, 23)}
    for orientation in edges:
        tile = agent_tile(24, 0, orientation, frozen=False, load=0)
        for other, place in edges.items():
            if other != 1:  # the shadow lies to the south
                assert (tile[place][3] > 0.05) == (orientation == other)
    assert len({agent_tile(24, group, 0, False, 0).tobytes() for group in range(len(GROUPS))}) == len(GROUPS)


def test_deep_rock_is_plain_and_edges_are_not() -> None:
    rock = wall_tile(16, True, True, True, True, deep=True)
    assert np.ptp(rock[..., :3]) < 30
    free = wall_tile(16, False, True, True, True, deep=False)
    assert free[0, 8, 0] > rock[0, 8, 0] + 30
