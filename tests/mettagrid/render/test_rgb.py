"""Pictures of worlds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.render.rgb import draw_rgb, object_kinds, tile_size
from metta.mettagrid.render.tiles import FLOOR


def one(thing: dict[str, Any], size: int = 16) -> NDArray[np.uint8]:
    """The picture of a single thing on a 1x1 map."""
    return draw_rgb([{"r": 0, "c": 0, **thing}], 1, 1, size=size)


def test_every_thing_is_drawn_in_its_cell_and_nowhere_else() -> None:
    env = MettaGridEnv(make_arena(12), seed=1)
    height, width = env.map_size
    picture = draw_rgb(env.grid_objects(), width, height)
    size = tile_size(width, height)
    assert picture.shape == (height * size, width * size, 3)
    assert picture.dtype == np.uint8
    cells = picture.reshape(height, size, width, size, 3)
    text = env.render().splitlines()
    floor = np.array([FLOOR, [shade + 4 for shade in FLOOR]])
    for row in range(height):
        for column in range(width):
            bare = (cells[row, :, column] == floor[(row + column) % 2]).all()
            assert bare == (text[row][column] == "."), (row, column)


def test_pictures_tell_states_apart() -> None:
    agent = {"type": "agent", "agent_id": 0, "group_id": 0, "orientation": 0}
    pictures = [
        one(agent),
        one({**agent, "orientation": 3}),
        one({**agent, "group_id": 1}),
        one({**agent, "frozen": 5}),
        one({**agent, "inventory": {"ore": 1}}),
        one({**agent, "color": 64}),
        one({**agent, "color": 192}),
        one({**agent, "glyph": 1}),
        one({**agent, "glyph": 6}),
        one({**agent, "shield": True}),
        one({"type": "altar", "clipped": True}),
        one({"type": "altar"}),
        one({"type": "altar", "cooldown_remaining": 3}),
        one({"type": "altar", "inventory": {"heart": 1}, "output_resources": {"heart": 1}}),
        one({"type": "door", "open": False, "cooldown_remaining": 0}),
        one({"type": "door", "open": True, "cooldown_remaining": 0}),
        one({"type": "wall"}),
    ]
    different = {picture.tobytes() for picture in pictures}
    assert len(different) == len(pictures)


def test_what_a_name_does_not_say_the_games_kinds_do() -> None:
    """A wall of any name is a wall, and joins its neighbours; an assembler of any name has its sign."""
    row = [{"r": 0, "c": column, "type": name} for column, name in enumerate(("wall", "granite", "wall"))]
    walls = [{**thing, "type": "wall"} for thing in row]
    assert (draw_rgb(row, 3, 1, kinds={"granite": "wall"}) == draw_rgb(walls, 3, 1)).all()
    assert (draw_rgb(row, 3, 1) != draw_rgb(walls, 3, 1)).any()
    oven = [{"r": 0, "c": 0, "type": "oven"}]
    assert (draw_rgb(oven, 1, 1, kinds={"oven": "assembler"}) != draw_rgb(oven, 1, 1)).any()
    assert object_kinds(make_arena(1))["altar"] == "converter"


def test_a_picture_is_the_callers_own() -> None:
    first = one({"type": "altar"})
    first[:] = 0
    assert one({"type": "altar"}).any()


@pytest.mark.parametrize(("width", "height", "size"), [(1, 1, 24), (62, 25, 16), (1024, 3, 4)])
def test_pictures_stay_handy(width: int, height: int, size: int) -> None:
    assert tile_size(width, height) == size
