"""Drawn maps as text and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from metta.mettagrid import _core
from metta.mettagrid.maps.legend import AGENT, DEFAULT_LEGEND, EMPTY, group_of
from metta.mettagrid.maps.map_config import MapConfig
from metta.mettagrid.render.ansi import GridObject
from metta.mettagrid.render.rgb import draw_rgb

if TYPE_CHECKING:
    from PIL.Image import Image

_STATIC_KEYS: Final = (".object", ".border_object")
_CHARACTERS: Final = {cell: char for char, cell in reversed(DEFAULT_LEGEND.items())}
_SPARE: Final = "ABCDEFGHIJKLMNOPQRTUVWXYZbcdefghijklpqrstuvwxyz"


class Drawing(NamedTuple):
    """A drawn map: ``cells [rows][columns]`` index ``names``; 0 is empty."""

    cells: list[list[int]]
    names: tuple[str, ...]
    statics: frozenset[str]


def draw_map(config: MapConfig, num_agents: int = 0, seed: int = 0) -> Drawing:
    """One map of a config, without a game. Walls are what borders and mazes are made of; the rest are objects.

    ``num_agents`` matters for maps that do not say how many they hold (``random``, ``rooms``).

    Raises:
        ConfigError: the map cannot be drawn.
    """
    named = config.object_names()
    statics = frozenset({"wall", "block"} | {name for name, key in named.items() if key.endswith(_STATIC_KEYS)})
    agents = {f"{AGENT}.{group}": "agent" for group in config.group_names()}
    objects = {name: "door" if name == "door" else "object" for name in named.keys() - statics}
    kinds = {AGENT: "agent"} | agents | {name: objects.get(name, "static") for name in named}
    drawn = _core.draw_map(config.native(), list(kinds.items()), num_agents=num_agents, seed=seed)
    return Drawing(drawn[0].tolist(), (EMPTY, *kinds), statics)


def as_text(drawing: Drawing) -> str:
    """A character a cell, and a line for each kind of thing but walls and emptiness."""
    spare = iter(char for char in _SPARE if char not in _CHARACTERS.values())
    characters = {name: _CHARACTERS[name] if name in _CHARACTERS else next(spare, "?") for name in drawing.names}
    rows = ["".join(characters[drawing.names[cell]] for cell in row) for row in drawing.cells]
    counts = {name: sum(row.count(i) for row in drawing.cells) for i, name in enumerate(drawing.names)}
    counts = {name: n for name, n in counts.items() if n and name != EMPTY}
    legend = [f"{characters[name]} {name} {n}" for name, n in counts.items()]
    return "\n".join([*rows, "", ", ".join(legend)])


def as_picture(drawing: Drawing, cell: int = 14) -> Image:
    """A picture of ``cell`` pixels a cell, drawn as worlds are (``metta/mettagrid/render/rgb.py``)."""
    from PIL import Image

    groups = [name for name in drawing.names if group_of(name) is not None]
    things: list[GridObject] = [
        {"r": row, "c": column, **_thing(drawing.names[index], groups)}
        for row, line in enumerate(drawing.cells)
        for column, index in enumerate(line)
        if drawing.names[index] != EMPTY
    ]
    kinds = {name: "block" if name == "block" else "wall" for name in drawing.statics}
    return Image.fromarray(draw_rgb(things, len(drawing.cells[0]), len(drawing.cells), size=cell, kinds=kinds))


def save_picture(drawing: Drawing, path: Path, cell: int = 14) -> None:
    """Write the picture as PNG; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    as_picture(drawing, cell).save(path, format="PNG")


def _thing(name: str, groups: list[str]) -> GridObject:
    return {"type": AGENT, "group_id": groups.index(name)} if name in groups else {"type": name}
