"""Draws a world as an image: ``render_mode="rgb_array"``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import numpy as np
from numpy.typing import NDArray

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


def draw_rgb(objects: Iterable[GridObject], width: int, height: int, *, size: int | None = None) -> NDArray[np.uint8]:
    """The map as an image, north up.

    Agents are discs in their group's colour with a nose where they look, icy when frozen, with pips for what they
    carry. Converters show a bar while they work or cool down and a bright spot when there is something to take, open
    doors their frame.

    Shapes: ``[height * size, width * size, 3] uint8``, a new array.

    Args:
        objects: ``VecEnv.grid_objects`` of one world.
        size: pixels a cell; absent: ``tile_size``.
    """
    pixels = tile_size(width, height) if size is None else size
    things = list(objects)
    walls = {(int(item["r"]), int(item["c"])) for item in things if item["type"] == WALL}
    image = np.empty((height * pixels, width * pixels, 3), dtype=np.float32)
    image[:] = _floor(width, height, pixels)
    for item in things:
        row, column = int(item["r"]), int(item["c"])
        tile = _tile(item, walls, (height, width), pixels)
        area = image[row * pixels : (row + 1) * pixels, column * pixels : (column + 1) * pixels]
        cover = tile[..., 3:]
        area *= 1 - cover
        area += tile[..., :3] * cover
    return (image + 0.5).astype(np.uint8)


def _floor(width: int, height: int, pixels: int) -> NDArray[np.float32]:
    """A quiet chequered floor."""
    rows, columns = np.indices((height, width))
    shade = ((rows + columns) % 2 * 4).astype(np.float32)
    cells = np.array(FLOOR, dtype=np.float32) + shade[..., np.newaxis]
    return cells.repeat(pixels, axis=0).repeat(pixels, axis=1)


def _tile(item: GridObject, walls: set[tuple[int, int]], shape: tuple[int, int], pixels: int) -> Tile:
    kind = str(item["type"])
    row, column = int(item["r"]), int(item["c"])
    inventory: Mapping[str, int] = item.get("inventory") or {}
    if kind == WALL:
        around = [
            (row + r, column + c) in walls or not (0 <= row + r < shape[0] and 0 <= column + c < shape[1])
            for r, c in _AROUND
        ]
        return wall_tile(pixels, *around[:4], deep=all(around))
    if kind == AGENT:
        load = min(_MOST_PIPS, sum(1 for amount in inventory.values() if amount))
        orientation = int(item.get("orientation", 0))
        return agent_tile(pixels, int(item.get("group_id", 0)), orientation, bool(item.get("frozen")), load)
    return object_tile(pixels, kind, _state(item, inventory))


def _state(item: GridObject, inventory: Mapping[str, int]) -> str:
    if item.get("open"):
        return "open"
    offered: Iterable[str] = item.get("output_resources", inventory)
    if any(inventory.get(resource) for resource in offered):
        return "full"
    return "busy" if item.get("conversion_remaining") or item.get("cooldown_remaining") else "idle"
