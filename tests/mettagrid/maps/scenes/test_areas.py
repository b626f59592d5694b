"""Scenes that divide their area or draw others."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from tests.mettagrid.maps.drawing import count, draw_scene, regions


def test_room_grid_divides_evenly() -> None:
    rows = draw_scene({"type": "room_grid", "rows": 2, "columns": 3, "border_width": 1}, 14, 7)
    assert rows == (
        "@...#....#....",
        "....#....#....",
        "....#....#....",
        "##############",
        "....#....#....",
        "....#....#....",
        "....#....#....",
    )


def test_children_are_drawn_on_tagged_areas_only() -> None:
    layout = (("a", "b"), ("b", "a"))
    child = {"scene": {"type": "fill"}, "where": {"tags": ["room", "b"]}}
    rows = draw_scene({"type": "room_grid", "layout": layout, "border_width": 0, "children": [child]}, 4, 4)
    assert rows == ("@.##", "..##", "##..", "##..")


@pytest.mark.parametrize(
    ("order", "expected"), [("first", "#.##.."), ("last", "..##.#")], ids=["from the west", "from the east"]
)
def test_offset_limit_order_and_lock(order: str, expected: str) -> None:
    rooms = {"type": "room_grid", "rows": 1, "columns": 6, "border_width": 0}
    fill = {"scene": {"type": "fill"}, "where": {"tags": ["room"]}, "order_by": order, "lock": "used"}
    rows = draw_scene(rooms | {"children": [fill | {"limit": 1}, fill | {"offset": 1, "limit": 2}]}, 6, 2)
    assert rows[1] == expected, "the second child skips one of the five rooms that the first left over"


def test_unknown_tags_are_named() -> None:
    child = {"scene": {"type": "fill"}, "where": {"tags": ["den"]}}
    with pytest.raises(ConfigError, match=r"scene\.children\[0\]\.where asks for areas tagged 'den'.*'room_0_0'"):
        draw_scene({"type": "room_grid", "rows": 1, "columns": 1, "children": [child]})
    with pytest.raises(ConfigError, match=r"its parent makes no areas"):
        draw_scene({"type": "nop", "children": [child]})


def test_layout_places_areas() -> None:
    areas: list[dict[str, Any]] = [
        {"width": 2, "height": 1, "placement": "south_east", "tag": "corner"},
        {"width": 1, "height": 1, "placement": "center", "tag": "middle"},
    ]
    children = [{"scene": {"type": "fill"}, "where": {"tags": [tag]}} for tag in ("corner", "middle")]
    assert draw_scene({"type": "layout", "areas": areas, "children": children}, 5, 3) == ("@....", "..#..", "...##")
    areas.append({"width": 3, "height": 3, "placement": "center", "tag": "big"})
    with pytest.raises(ConfigError, match=r"areas 'corner' and 'big' overlap|areas 'middle' and 'big' overlap"):
        draw_scene({"type": "layout", "areas": areas}, 5, 3)
    with pytest.raises(ConfigError, match=r"area 'big' of 3x3 does not fit into 5x2 cells"):
        draw_scene({"type": "layout", "areas": areas[2:]}, 5, 2)


@pytest.mark.parametrize("symmetry", ["horizontal", "vertical", "x4"])
def test_mirror(symmetry: str) -> None:
    inner = {"type": "random_objects", "object_ranges": {"wall": (0.3, 0.3), "altar": (0.1, 0.1)}}
    rows = draw_scene({"type": "mirror", "scene": inner, "symmetry": symmetry}, 11, 9, seed=1)
    free = [row.replace("@", rows[0][-1] if symmetry != "vertical" else rows[-1][0]) for row in rows]
    if symmetry != "vertical":
        assert [row[::-1] for row in free] == free
    if symmetry != "horizontal":
        assert free[::-1] == free
    assert count(rows)["#"] > 10


def test_random_scene_follows_weights() -> None:
    choice = {
        "type": "random_scene",
        "candidates": [{"scene": {"type": "fill"}, "weight": 3.0}, {"scene": {"type": "nop"}}],
    }
    filled = sum(draw_scene(choice, 2, 1, seed=seed) == ("@#",) for seed in range(100))
    assert 60 <= filled <= 90


def test_bsp_layout_tiles_its_area() -> None:
    child = {"scene": {"type": "random", "objects": {"altar": 1}}, "where": {"tags": ["zone"]}}
    assert count(draw_scene({"type": "bsp_layout", "area_count": 7, "children": [child]}, 30, 20))["_"] in (6, 7)
    with pytest.raises(ConfigError, match=r"area_count=50: an area of 6x6 has room for 4 zones"):
        draw_scene({"type": "bsp_layout", "area_count": 50}, 6, 6)


@pytest.mark.parametrize("seed", range(5))
def test_make_connected_leaves_one_region(seed: int) -> None:
    caves = {"type": "caves", "fill": 0.5}
    apart = draw_scene(caves, 40, 40, seed)
    corner = {"scene": {"type": "ascii", "rows": ["."]}}
    joined = draw_scene(caves | {"children": [corner, {"scene": {"type": "make_connected"}}]}, 40, 40, seed)
    assert len(regions(apart)) > 1
    assert len(regions(joined)) == 1
    assert count(apart)["#"] - count(joined)["#"] < 150, "tunnels are narrow"
