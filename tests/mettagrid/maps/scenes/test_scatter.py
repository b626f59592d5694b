"""Scenes that put things on free cells or draw them as written."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.errors import ConfigError
from tests.mettagrid.maps.drawing import count, draw_map, draw_scene, regions


def scene_map(scene: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"type": "scene", "instance_width": 9, "instance_height": 7, "border_width": 1, "scene": scene} | changes


@settings(max_examples=20)
@given(st.integers(1, 10), st.integers(0, 20), st.integers(0, 20), st.integers(0, 2**40))
def test_random_places_what_it_says(agents: int, altars: int, walls: int, seed: int) -> None:
    scene = {"type": "random", "agents": agents, "objects": {"altar": altars, "wall": walls}}
    rows = draw_map(scene_map(scene, border_width=0), agents, seed)
    assert count(rows)["@"] == agents
    assert count(rows)["_"] == altars
    assert count(rows)["#"] == walls


def test_too_many_things_are_left_out_or_refused() -> None:
    scene: dict[str, Any] = {"type": "random", "agents": 3, "objects": {"altar": 100}}
    assert count(draw_map(scene_map(scene, border_width=0), 3))["_"] == 60, "agents come first"
    with pytest.raises(ConfigError, match=r"map\.scene: 40 things found no free cell.*too_many_is_ok"):
        draw_map(scene_map(scene | {"too_many_is_ok": False}), 3)


@pytest.mark.parametrize("seed", range(5))
def test_random_objects_keep_their_shares(seed: int) -> None:
    rows = draw_scene({"type": "random_objects", "object_ranges": {"wall": (0.1, 0.2)}}, 40, 20, seed)
    assert 79 <= count(rows)["#"] <= 160


def test_mean_distance() -> None:
    scene = {"type": "mean_distance", "mean_distance": 8.0, "objects": {"altar": 40}}
    rows = draw_map(scene_map(scene, instance_width=61, instance_height=61, border_width=0), 1, seed=4)
    assert rows[30][30] == "@"
    distances = [abs(r - 30) + abs(c - 30) for r, row in enumerate(rows) for c, char in enumerate(row) if char == "_"]
    assert len(distances) == 40
    assert 6.5 < sum(distances) / 40 < 9.5, "the mean of 40 Poisson numbers with mean 8: within 3 standard errors"


def test_ascii_scene_covers_its_place() -> None:
    scene = {"type": "ascii", "rows": ["#@#", "_A."], "legend": {"A": "mine_red"}, "row": 1, "column": 2}
    assert draw_map(scene_map(scene, instance_width=6, instance_height=4, border_width=0), 1) == (
        "......",
        "..#@#.",
        ".._m..",
        "......",
    )
    with pytest.raises(ConfigError, match=r"drawing of 3x2 at row 1, column 2 does not fit into its area of 4x4"):
        draw_map(scene_map(scene, instance_width=4, instance_height=4), 1)


@settings(max_examples=12)
@given(st.sampled_from(["sparse", "balanced", "dense", "maze"]), st.integers(20, 60), st.integers(0, 2**40))
def test_terrain_leaves_ways_around(style: str, side: int, seed: int) -> None:
    rows = draw_scene({"type": "terrain", "style": style}, side, side, seed)
    assert count(rows)["#"] <= 0.3 * side * side
    assert len(regions(rows)) == 1
    assert "#" not in rows[0] + rows[-1]


def test_styles_differ_in_density() -> None:
    walls = {
        s: count(draw_scene({"type": "terrain", "style": s}, 60, 60))["#"] for s in ("sparse", "balanced", "dense")
    }
    assert walls["sparse"] < walls["balanced"] < walls["dense"]


def test_fill_and_remove_agents() -> None:
    children = [
        {"scene": {"type": "random", "agents": 5}},
        {"scene": {"type": "remove_agents"}},
        {"scene": {"type": "random", "agents": 2}},
    ]
    assert count(draw_map(scene_map({"type": "nop", "children": children}), 2))["@"] == 2
    assert count(draw_scene({"type": "fill"}))["#"] == 24 * 12 - 1


@pytest.mark.parametrize(
    ("scene", "parts"),
    [
        ({"type": "random", "objects": {"altr": 1}}, ("game.map.scene.objects", "altr", "Did you mean 'altar'")),
        ({"type": "random", "agents": {"blue": 1}}, ("game.map.scene.agents", "'blue'", "game.groups")),
        ({"type": "fill", "object": "altar"}, ("map.scene.object='altar' is not a wall",)),
        ({"type": "ascii", "rows": ["@?"]}, ("U+3f", "at column 1", "legend")),
        ({"type": "random_objects", "object_ranges": {"wall": (0.5, 0.2)}}, ("0 <= least <= most <= 1",)),
        ({"type": "mase"}, ("maze",)),
    ],
)
def test_faults_are_named(scene: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ValueError) as caught:
        draw_map(scene_map(scene), 1)
    for part in parts:
        assert part in str(caught.value)
