"""Maps as text and pictures."""

from __future__ import annotations

from metta.mettagrid.maps.map_config import AsciiMapConfig
from metta.mettagrid.maps.picture import as_picture, as_text, draw_map

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
