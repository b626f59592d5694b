"""Mazes, rooms, caves and textures: what their drawings must have in common, whatever the seed and size."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.errors import ConfigError
from tests.mettagrid.maps.drawing import count, draw_scene, regions

sides = st.integers(9, 31)
seeds = st.integers(0, 2**40)


@settings(max_examples=20)
@given(st.sampled_from(["kruskal", "prim", "dfs"]), sides, sides, seeds)
def test_a_maze_is_a_tree(algorithm: str, width: int, height: int, seed: int) -> None:
    """Rooms of one cell on odd-ised coordinates: connected, and one opening less than rooms."""
    rows = draw_scene({"type": "maze", "algorithm": algorithm}, width, height, seed)
    rooms = {(r, c) for r, c in product(range(0, height, 2), range(0, width, 2))}
    openings = sum(row.count(".") + row.count("@") for row in rows) - len(rooms)
    assert all(rows[r][c] != "#" for r, c in rooms)
    assert len(regions(rows)) == 1
    assert openings == len(rooms) - 1


def test_maze_golden() -> None:
    rows = draw_scene({"type": "maze", "algorithm": "prim", "room_size": 2}, 17, 8, seed=3)
    assert len(regions(rows)) == 1
    assert rows == draw_scene({"type": "maze", "algorithm": "prim", "room_size": 2}, 17, 8, seed=3)
    assert rows != draw_scene({"type": "maze", "algorithm": "prim", "room_size": 2}, 17, 8, seed=4)
    assert all(row[c] in ".#@" and row[2] in ".#" for row in rows for c in range(17))
    assert all(rows[2][c : c + 2] in ("..", "##") for c in (0, 3, 6, 9, 12, 15)), "an opening is as wide as its room"


@settings(max_examples=20)
@given(st.integers(1, 12), sides, sides, seeds)
def test_bsp_rooms_are_joined(rooms: int, width: int, height: int, seed: int) -> None:
    rows = draw_scene({"type": "bsp", "rooms": rooms}, width, height, seed)
    assert 1 <= len(regions(rows)) <= 2, "the corner of the agent may be apart, nothing else"
    assert max(map(len, regions(rows))) >= 9


def test_bsp_without_corridors_leaves_rooms_apart() -> None:
    rows = draw_scene({"type": "bsp", "rooms": 6, "skip_corridors": True}, 40, 30, seed=2)
    assert 6 <= len(regions(rows)) <= 7
    for region in regions(rows)[:6]:
        r, c = zip(*region, strict=True)
        if len(region) > 1:
            assert len(region) == (max(r) - min(r) + 1) * (max(c) - min(c) + 1), "a room is a rectangle"


@given(st.integers(4, 12), st.integers(1, 3), seeds)
@settings(max_examples=10)
def test_radial_arms_meet_in_the_middle(arms: int, width: int, seed: int) -> None:
    rows = draw_scene({"type": "radial_maze", "arms": arms, "arm_width": width}, 41, 41, seed)
    middle = next(region for region in regions(rows) if (20, 20) in region)
    assert len(regions(rows)) <= 2
    assert len(middle) > 16 * width


def test_radial_endpoints_are_areas() -> None:
    altar = {"scene": {"type": "random", "objects": {"altar": 1}}, "where": {"tags": ["endpoint"]}}
    rows = draw_scene({"type": "radial_maze", "arms": 5, "arm_width": 3, "children": [altar]}, 41, 41)
    altars = [(r, c) for r, row in enumerate(rows) for c, char in enumerate(row) if char == "_"]
    assert len(altars) == 5
    assert all((r - 20) ** 2 + (c - 20) ** 2 > 15**2 for r, c in altars)


def test_caves_follow_their_rule() -> None:
    assert count(draw_scene({"type": "caves", "fill": 1.0}))["#"] == 24 * 12 - 1
    assert count(draw_scene({"type": "caves", "fill": 0.0, "steps": 0}))["."] == 24 * 12 - 1
    # Outside counts as wall: with birth 3 an open field grows walls from its corners and edges inwards.
    one = draw_scene({"type": "caves", "fill": 0.0, "steps": 1, "birth": 5}, 5, 5)
    assert one == ("@...#", ".....", ".....", ".....", "#...#")
    smooth = draw_scene({"type": "caves"}, 60, 60, seed=5)
    rough = draw_scene({"type": "caves", "steps": 0}, 60, 60, seed=5)
    assert len(regions(smooth)) < len(regions(rough)) / 3


def patterns(rows: tuple[str, ...], size: int, wrap: bool = False) -> set[tuple[str, ...]]:
    height, width = len(rows), len(rows[0])
    ends = (height, width) if wrap else (height - size + 1, width - size + 1)
    return {
        tuple("".join(rows[(r + i) % height][(c + j) % width] for j in range(size)) for i in range(size))
        for r, c in product(range(ends[0]), range(ends[1]))
    }


@pytest.mark.parametrize("heuristic", ["entropy", "mrv", "scanline"])
def test_every_wfc_pattern_stands_in_the_sample(heuristic: str) -> None:
    sample = ("..#..", "..#..", "###..", ".....")
    scene = {"type": "wfc", "pattern": sample, "symmetry": "none", "next_node_heuristic": heuristic}
    # The agent's corner would break patterns: it is put aside, as a column of its own.
    layout = {
        "type": "layout",
        "areas": [{"width": 20, "height": 12, "placement": "east", "tag": "texture"}],
        "children": [{"scene": scene, "where": {"tags": ["texture"]}}],
    }
    rows = draw_scene(layout, 21, 12, seed=7)
    assert patterns(tuple(row[1:] for row in rows), 3) <= patterns(sample, 3, wrap=True)
    assert 0 < count(rows)["#"] < 200


def test_wfc_without_solution_is_named() -> None:
    sample = ("#.", ".#")
    scene: dict[str, Any] = {"type": "wfc", "pattern": ("#.m", "_.#", "m_#"), "attempts": 3, "periodic_input": False}
    with pytest.raises(ConfigError, match=r"map\.scene: each of attempts=3 ended in a contradiction.*periodic_input"):
        draw_scene(scene | {"symmetry": "none", "pattern_size": 2}, 20, 20)
    board = draw_scene({"type": "wfc", "pattern": sample, "pattern_size": 2}, 6, 4)
    assert all(board[r][c] != board[r][c + 1] for r, c in product(range(1, 4), range(5))), "a chess board"


def test_convchain_prefers_the_sample() -> None:
    sample = ("####", "#..#", "#..#", "####")
    cold = draw_scene({"type": "convchain", "pattern": sample, "temperature": 0.2, "iterations": 20}, 30, 30)
    hot = draw_scene({"type": "convchain", "pattern": sample, "temperature": 1000.0}, 30, 30)
    known = patterns(sample, 3, wrap=True)

    def share(rows: tuple[str, ...]) -> float:
        found = [
            patterns(tuple(row[c : c + 3] for row in rows[r : r + 3]), 3) <= known for r in range(28) for c in range(28)
        ]
        return sum(found) / len(found)

    assert share(cold) > 0.6
    assert share(hot) < 0.3


def test_convchain_with_too_many_patterns_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"convchain pattern has 3 different characters and pattern_size=4"):
        draw_scene({"type": "convchain", "pattern": ("#.m.", "#...", "....", "...."), "pattern_size": 4})
