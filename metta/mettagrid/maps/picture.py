"""Drawn maps as text and as pictures."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from metta.mettagrid import _core
from metta.mettagrid.maps.legend import AGENT, DEFAULT_LEGEND, EMPTY, group_of
from metta.mettagrid.maps.map_config import MapConfig

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

Colour = tuple[int, int, int]

_FLOOR: Final[Colour] = (40, 42, 50)
_GRID: Final[Colour] = (47, 50, 59)
_WALL: Final[Colour] = (122, 124, 138)
_WALL_EDGE: Final[Colour] = (86, 88, 101)
_COLOURS: Final[dict[str, Colour]] = {
    "altar": (232, 176, 62),
    "mine_red": (196, 78, 74),
    "generator_red": (235, 130, 56),
    "lasery": (190, 92, 214),
    "armory": (92, 154, 214),
}
_OTHERS: Final[tuple[Colour, ...]] = (
    (104, 190, 140),
    (212, 130, 170),
    (140, 170, 90),
    (110, 120, 220),
    (200, 200, 120),
)
_AGENTS: Final[tuple[Colour, ...]] = ((92, 214, 126), (88, 166, 255), (255, 214, 102), (240, 128, 190), (96, 220, 220))
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
    """A picture of ``cell`` pixels a cell: walls are blocks, objects squares, agents discs."""
    from PIL import Image, ImageDraw

    height, width = len(drawing.cells), len(drawing.cells[0])
    picture = Image.new("RGB", (width * cell, height * cell), _FLOOR)
    pen = ImageDraw.Draw(picture)
    for row, line in enumerate(drawing.cells):
        for column, index in enumerate(line):
            _draw_cell(pen, drawing, index, column * cell, row * cell, cell)
    return picture


def save_picture(drawing: Drawing, path: Path, cell: int = 14) -> None:
    """Write the picture as PNG; folders on the way are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    as_picture(drawing, cell).save(path, format="PNG")


def _draw_cell(pen: ImageDraw, drawing: Drawing, index: int, x: int, y: int, cell: int) -> None:
    name = drawing.names[index]
    box = (x, y, x + cell - 1, y + cell - 1)
    if name in drawing.statics:
        pen.rectangle(box, fill=_WALL, outline=_WALL_EDGE)
        return
    pen.rectangle(box, outline=_GRID)
    if name == EMPTY:
        return
    edge = max(1, cell // 6)
    inner = (x + edge, y + edge, x + cell - 1 - edge, y + cell - 1 - edge)
    group = group_of(name)
    if group is not None:
        groups = [known for known in drawing.names if group_of(known) is not None]
        pen.ellipse(inner, fill=_AGENTS[groups.index(name) % len(_AGENTS)], outline=(20, 22, 26))
    else:
        pen.rounded_rectangle(inner, radius=max(1, cell // 5), fill=_COLOURS.get(name, _OTHERS[index % len(_OTHERS)]))
