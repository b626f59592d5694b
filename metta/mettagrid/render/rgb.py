"""Draws a world as an image: ``render_mode="rgb_array"``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.legend import AGENT
from metta.mettagrid.render.ansi import GridObject
from metta.mettagrid.render.tiles import FLOOR, Tile, agent_tile, object_tile, wall_tile

WALL = "wall"
_LARGEST_SIDE = 1024
_SIZES = (24, 20, 16, 12, 8, 6, 4)
_MOST_PIPS = 3
_AROUND = ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1))
"""North, south, west, east, then the corners."""


def tile_size(width: int, height: int) -> int:
    """Pixels a cell: as many as keep the picture within 1024 pixels a side, 4 to 24.

    >>> tile_size(62, 25), tile_size(13, 13)
    (16, 24)
    """
    return next((size for size in _SIZES if max(width, height) * size <= _LARGEST_SIDE), _SIZES[-1])


def object_kinds(config: MettaGridConfig) -> dict[str, str]:
    """What each object of a game is, by its name: ``wall``, ``converter``, ``chest``, ..."""
    return {name: thing.type for name, thing in config.game.objects.items()}


def draw_rgb(
    objects: Iterable[GridObject],
    width: int,
    height: int,
    *,
    size: int | None = None,
    kinds: Mapping[str, str] | None = None,
) -> NDArray[np.uint8]:
    """The map as an image, north up.

    Agents are discs in their group's colour with a nose where they look, icy when frozen, with pips for what they
    carry, a rim of the colour and a badge of the glyph that they chose, a ring for a raised shield. Clipped things are
    crossed out. Converters show a bar while they work or cool down and a bright spot when there is something to take,
    open doors their frame.

    Shapes: ``[height * size, width * size, 3] uint8``, a new array.

    Args:
        objects: ``VecEnv.grid_objects`` of one world.
        size: pixels a cell; absent: ``tile_size``.
        kinds: ``object_kinds`` of the game, for objects whose name says nothing: walls of any name are walls.
    """
    pixels = tile_size(width, height) if size is None else size
    things = list(objects)
    known = {WALL: WALL} | dict(kinds or {})
    walls = {(int(item["r"]), int(item["c"])) for item in things if known.get(item["type"]) == WALL}
    image = _floor(width, height, pixels)
    for item in things:
        row, column = int(item["r"]), int(item["c"])
        tile = _tile(item, walls, (height, width), pixels, known.get(item["type"], ""))
        area = image[row * pixels : (row + 1) * pixels, column * pixels : (column + 1) * pixels]
        cover = tile[..., 3:]
        area[:] = area * (1 - cover) + tile[..., :3] * cover + 0.5
    return image


def _floor(width: int, height: int, pixels: int) -> NDArray[np.uint8]:
    """A quiet chequered floor."""
    rows, columns = np.indices((height, width))
    shade = ((rows + columns) % 2 * 4).astype(np.uint8)
    cells = np.array(FLOOR, dtype=np.uint8) + shade[..., np.newaxis]
    return cells.repeat(pixels, axis=0).repeat(pixels, axis=1)


def _tile(item: GridObject, walls: set[tuple[int, int]], shape: tuple[int, int], pixels: int, kind: str) -> Tile:
    name = str(item["type"])
    row, column = int(item["r"]), int(item["c"])
    inventory: Mapping[str, int] = item.get("inventory") or {}
    if kind == WALL:
        around = [
            (row + r, column + c) in walls or not (0 <= row + r < shape[0] and 0 <= column + c < shape[1])
            for r, c in _AROUND
        ]
        return wall_tile(pixels, *around[:4], deep=all(around))
    if name == AGENT:
        load = min(_MOST_PIPS, sum(1 for amount in inventory.values() if amount))
        orientation = int(item.get("orientation", 0))
        return agent_tile(
            pixels,
            int(item.get("group_id", 0)),
            orientation,
            bool(item.get("frozen")),
            load,
            int(item.get("color", 0)),
            int(item.get("glyph", 0)),
            bool(item.get("shield")),
        )
    return object_tile(pixels, name, _state(item, inventory), kind, bool(item.get("clipped")))


def _state(item: GridObject, inventory: Mapping[str, int]) -> str:
    if item.get("open"):
        return "open"
    offered: Iterable[str] = item.get("output_resources", inventory)
    if any(inventory.get(resource) for resource in offered):
        return "full"
    return "busy" if item.get("conversion_remaining") or item.get("cooldown_remaining") else "idle"
