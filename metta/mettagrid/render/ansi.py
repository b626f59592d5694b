"""Draws a world as coloured text for a terminal: two columns a cell, so that cells look square."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from metta.mettagrid.maps.legend import AGENT, CHARACTERS

GridObject = Mapping[str, Any]
"""One entry of ``VecEnv.grid_objects``."""

ARROWS = "^v<>↖↗↙↘"
"""Orientation 0 .. 7: north, south, west, east, northwest, northeast, southwest, southeast."""
FROZEN = "*"
BARE = ","
"""A plant without stock."""
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
"""Agent index -> its character; indices beyond start again."""

_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_SELECTED = "\x1b[1;30;107m"
_COLOURS = {
    "wall": "\x1b[90;100m",
    "mine_red": "\x1b[31m",
    "generator_red": "\x1b[93m",
    "altar": "\x1b[1;97;45m",
    "lasery": "\x1b[95m",
    "armory": "\x1b[36m",
    "mine_blue": "\x1b[34m",
    "mine_green": "\x1b[32m",
    "generator_blue": "\x1b[94m",
    "generator_green": "\x1b[92m",
    "lab": "\x1b[96m",
    "factory": "\x1b[93;44m",
    "temple": "\x1b[1;93;45m",
    "block": "\x1b[30;43m",
    "chest": "\x1b[1;33m",
    "assembler": "\x1b[1;96;44m",
    "door": "\x1b[33m",
    "plant": "\x1b[1;32m",
    "pile": "\x1b[1;37m",
}
_OTHER_OBJECTS = "\x1b[37m"
_GROUPS = ("\x1b[1;92m", "\x1b[1;94m", "\x1b[1;93m", "\x1b[1;95m", "\x1b[1;96m", "\x1b[1;91m")
_FROZEN_COLOUR = "\x1b[1;30;46m"


class View(NamedTuple):
    """The part of a map to draw, in cells."""

    top: int
    left: int
    height: int
    width: int


def view_around(row: int, column: int, *, width: int, height: int, view_width: int, view_height: int) -> View:
    """A view of at most ``view_height x view_width`` cells with the given cell as near its centre as the map allows.

    >>> view_around(0, 9, width=10, height=10, view_width=4, view_height=4)
    View(top=0, left=6, height=4, width=4)
    """
    view_width, view_height = min(view_width, width), min(view_height, height)
    top = min(max(row - view_height // 2, 0), height - view_height)
    left = min(max(column - view_width // 2, 0), width - view_width)
    return View(top, left, view_height, view_width)


def draw(
    objects: Iterable[GridObject],
    width: int,
    height: int,
    *,
    selected_agent: int | None = None,
    colour: bool = True,
    view: View | None = None,
) -> str:
    """The map as ``height`` lines of ``2 * width`` visible columns; ``view`` cuts a part out.

    An agent is its character and an arrow (``3>``), ``*`` when frozen. A converter is its map character followed by
    ``~`` while converting, ``!`` when it has outputs to take, a blank otherwise.

    Args:
        objects: ``VecEnv.grid_objects`` of one world.
        selected_agent: index of the agent to highlight.
        colour: whether to add ANSI colours.

    >>> wall = {"type": "wall", "r": 0, "c": 0}
    >>> agent = {"type": "agent", "r": 0, "c": 2, "agent_id": 3, "orientation": 3}
    >>> draw([wall, agent], 3, 1, colour=False)
    '## .3>'
    """
    area = view or View(0, 0, height, width)
    empty = f"{_DIM} .{_RESET}" if colour else " ."
    cells = [[empty] * area.width for _ in range(area.height)]
    for item in objects:
        row, column = int(item["r"]) - area.top, int(item["c"]) - area.left
        if 0 <= row < area.height and 0 <= column < area.width:
            text = _glyphs(item)
            cells[row][column] = f"{_colour_of(item, selected_agent)}{text}{_RESET}" if colour else text
    return "\n".join("".join(line) for line in cells)


def legend(objects: Iterable[GridObject], *, colour: bool = True) -> str:
    """One line that explains the characters of the kinds of things that are there.

    >>> legend([{"type": "altar", "r": 0, "c": 0}, {"type": "agent", "r": 0, "c": 1}], colour=False)
    '_ altar   0^ agent (* frozen)   ~ converting   ! has output'
    """
    kinds = {str(item["type"]): item for item in objects}
    parts: list[str] = []
    for kind in sorted(kinds.keys() - {AGENT}):
        char = character(kind)
        parts.append(f"{_COLOURS.get(kind, _OTHER_OBJECTS)}{char}{_RESET} {kind}" if colour else f"{char} {kind}")
    if AGENT in kinds:
        parts.append(f"{_GROUPS[0]}0^{_RESET} agent (* frozen)" if colour else "0^ agent (* frozen)")
    if kinds.keys() - {AGENT, "wall"}:
        parts += ["~ converting", "! has output"]
    if any("open" in item for item in kinds.values()):
        parts.append("small: open")
    if any("stock" in item for item in kinds.values()):
        parts.append(f"{BARE} bare")
    return "   ".join(parts)


def ascii_map(objects: Iterable[GridObject], width: int, height: int) -> str:
    """The map in one plain character a cell, agents as their characters: what golden playthroughs show."""
    cells = [["."] * width for _ in range(height)]
    for item in objects:
        kind = str(item["type"])
        char = DIGITS[int(item["agent_id"]) % len(DIGITS)] if kind == AGENT else _state_character(item)
        cells[int(item["r"])][int(item["c"])] = char
    return "\n".join("".join(line) for line in cells)


def character(kind: str) -> str:
    """The map character of a kind of object; its first letter, in upper case, when the default legend has none."""
    return CHARACTERS.get(kind, kind[:1].upper() or "?")


def _state_character(item: GridObject) -> str:
    """The character of an object as it is now: an open door is drawn small, a bare patch as a comma."""
    char = character(str(item["type"]))
    if item.get("open"):
        return char.lower()
    return BARE if item.get("stock") == 0 else char


def _glyphs(item: GridObject) -> str:
    kind = str(item["type"])
    if kind == AGENT:
        char = DIGITS[int(item["agent_id"]) % len(DIGITS)]
        return char + (FROZEN if item.get("frozen") else ARROWS[int(item.get("orientation", 0))])
    char = _state_character(item)
    if "inventory" not in item:
        return char * 2  # walls and blocks fill their cell
    if item.get("conversion_remaining"):
        return f"{char}~"
    inventory: Mapping[str, int] = item.get("inventory") or {}
    offered: Iterable[str] = item.get("output_resources", inventory)
    return f"{char}!" if any(inventory.get(resource) for resource in offered) else f"{char} "


def _colour_of(item: GridObject, selected_agent: int | None) -> str:
    kind = str(item["type"])
    if kind != AGENT:
        return _COLOURS.get(kind, _OTHER_OBJECTS)
    if item["agent_id"] == selected_agent:
        return _SELECTED
    return _FROZEN_COLOUR if item.get("frozen") else _GROUPS[int(item.get("group_id", 0)) % len(_GROUPS)]
