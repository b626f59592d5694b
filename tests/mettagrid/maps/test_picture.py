"""Maps as text and pictures."""

from __future__ import annotations

import numpy as np

from metta.mettagrid.maps.map_config import AsciiMapConfig, RoomsMapConfig
from metta.mettagrid.maps.picture import as_picture, as_text, draw_map
from metta.mettagrid.render.rgb import draw_rgb

DRAWN = AsciiMapConfig(rows=("#@.", "_bx"), legend={"b": "agent.blue", "x": "shrine"})


def test_text_is_the_drawing() -> None:
    text = as_text(draw_map(DRAWN)).splitlines()
    assert text[0] == "#@."
    assert text[1][0] == "_"
    assert "@ agent 1" in text[-1]
    assert "agent.blue 1" in text[-1]
    assert "shrine 1" in text[-1]


def test_things_look_different() -> None:
    picture = as_picture(draw_map(DRAWN), cell=10)
    assert picture.size == (30, 20)
    centres = [picture.getpixel((10 * c + 5, 10 * r + 5)) for r in range(2) for c in range(3)]
    assert len(set(centres)) == 6


def test_maps_are_drawn_as_worlds_are() -> None:
    """One picture of an altar, whoever draws it; a static object of another name is a wall."""
    drawn = np.asarray(as_picture(draw_map(AsciiMapConfig(rows=("#_.@",))), cell=16))
    world = [{"type": name, "r": 0, "c": column} for name, column in (("wall", 0), ("altar", 1), ("agent", 3))]
    assert (drawn == draw_rgb(world, 4, 1, size=16)).all()
    granite = RoomsMapConfig(rooms=1, border_object="granite", room_width=5, room_height=5)
    walls = granite.replace({"border_object": "wall"})
    assert (np.asarray(as_picture(draw_map(granite, 1))) == np.asarray(as_picture(draw_map(walls, 1)))).all()
