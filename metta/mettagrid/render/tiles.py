"""The pictures of things: small antialiased tiles, drawn with numpy from simple shapes, made once each."""

from __future__ import annotations

import colorsys
from collections.abc import Callable
from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Colour = tuple[int, int, int]
Mask = NDArray[np.float64]
"""Cover of each pixel of the oversampled tile, 0 .. 1."""
Tile = NDArray[np.float32]
"""Shapes: ``[size, size, 4]``: red, green, blue 0 .. 255, and cover 0 .. 1."""

_OVERSAMPLING = 4
FLOOR: Colour = (33, 36, 46)
_WALL: Colour = (96, 103, 124)
_ROCK: Colour = (58, 62, 76)
_WALL_EDGE: Colour = (134, 142, 166)
_INK: Colour = (20, 22, 30)
_WHITE: Colour = (244, 244, 248)
_ICE: Colour = (150, 215, 255)
_SHIELD: Colour = (96, 230, 255)
_CLIPPED: Colour = (255, 64, 96)
GROUPS: tuple[Colour, ...] = (
    (92, 214, 120),
    (92, 160, 255),
    (255, 205, 84),
    (214, 124, 255),
    (84, 222, 222),
    (255, 128, 110),
)
_BY_SUFFIX: dict[str, Colour] = {
    "red": (226, 86, 82),
    "blue": (86, 132, 232),
    "green": (92, 190, 98),
}
_BY_NAME: dict[str, Colour] = {
    "altar": (196, 92, 214),
    "lasery": (236, 120, 168),
    "armory": (96, 176, 196),
    "chest": (196, 142, 80),
    "door": (150, 108, 70),
    "block": (148, 140, 128),
    "plant": (92, 178, 88),
    "pile": (206, 186, 140),
}


class _Canvas:
    """Shapes over the unit square, x to the right, y down, painted one over another."""

    def __init__(self, size: int) -> None:
        count = size * _OVERSAMPLING
        axis = (np.arange(count) + 0.5) / count
        self.x, self.y = np.meshgrid(axis, axis)
        self._size = size
        self._rgb = np.zeros((count, count, 3))
        self._cover = np.zeros((count, count))

    def paint(self, mask: NDArray[np.bool_], colour: Colour, opacity: float = 1.0) -> None:
        cover = mask * opacity
        below = self._cover * (1 - cover)
        total = cover + below
        weight = np.divide(cover, total, out=np.zeros_like(total), where=total > 0)[..., np.newaxis]
        self._rgb = self._rgb * (1 - weight) + np.array(colour) * weight
        self._cover = total

    def disc(self, x: float, y: float, radius: float) -> NDArray[np.bool_]:
        return (self.x - x) ** 2 + (self.y - y) ** 2 <= radius**2

    def box(self, x: float, y: float, half_width: float, half_height: float, corner: float = 0.0) -> NDArray[np.bool_]:
        dx = np.maximum(np.abs(self.x - x) - half_width + corner, 0)
        dy = np.maximum(np.abs(self.y - y) - half_height + corner, 0)
        if corner > 0:
            return dx**2 + dy**2 <= corner**2
        return (np.abs(self.x - x) <= half_width) & (np.abs(self.y - y) <= half_height)

    def polygon(self, *corners: tuple[float, float]) -> NDArray[np.bool_]:
        """Even-odd rule, so that any simple outline works."""
        inside = np.zeros(self.x.shape, dtype=np.bool_)
        for (x0, y0), (x1, y1) in zip(corners, corners[1:] + corners[:1], strict=True):
            if y0 == y1:
                continue
            crosses = (self.y < y0) != (self.y < y1)
            inside ^= crosses & (self.x < (x1 - x0) * (self.y - y0) / (y1 - y0) + x0)
        return inside

    def tile(self) -> Tile:
        """Averaged down to the tile's own pixels, colours weighted by their cover."""
        shape = (self._size, _OVERSAMPLING, self._size, _OVERSAMPLING)
        cover = self._cover.reshape(shape).mean(axis=(1, 3))
        rgb = (self._rgb * self._cover[..., np.newaxis]).reshape(*shape, 3).mean(axis=(1, 3))
        rgb = np.divide(rgb, cover[..., np.newaxis], out=np.zeros_like(rgb), where=cover[..., np.newaxis] > 0)
        return np.concatenate([rgb, cover[..., np.newaxis]], axis=-1).astype(np.float32)


def colour_of(kind: str) -> Colour:
    """An object's colour: by name, by the colour in its name, else one of its own that is always the same."""
    known = _BY_NAME.get(kind) or _BY_SUFFIX.get(kind.rpartition("_")[2])
    if known is not None:
        return known
    red, green, blue = colorsys.hls_to_rgb(crc32(kind.encode()) % 360 / 360, 0.6, 0.55)
    return round(red * 255), round(green * 255), round(blue * 255)


@lru_cache(maxsize=4096)
def wall_tile(size: int, north: bool, south: bool, west: bool, east: bool, deep: bool) -> Tile:
    """A wall that runs on into the neighbours that are walls too; free sides get an edge. ``deep`` rock stays dark."""
    canvas = _Canvas(size)
    x, y = canvas.x, canvas.y
    everywhere = np.ones(x.shape, dtype=np.bool_)
    if deep:
        canvas.paint(everywhere, _ROCK)
        return canvas.tile()
    canvas.paint(everywhere, _WALL)
    brick = (np.mod(y, 0.5) < 0.06) | (np.mod(x + np.where(y < 0.5, 0.0, 0.25), 0.5) < 0.06)
    canvas.paint(brick, _INK, 0.28)
    for is_wall, edge in ((north, y < 0.09), (west, x < 0.09)):
        if not is_wall:
            canvas.paint(edge, _WALL_EDGE)
    for is_wall, edge in ((south, y > 0.88), (east, x > 0.91)):
        if not is_wall:
            canvas.paint(edge, _INK, 0.45)
    return canvas.tile()


@lru_cache(maxsize=4096)
def agent_tile(
    size: int,
    group: int,
    orientation: int,
    frozen: bool,
    load: int,
    colour_byte: int = 0,
    glyph: int = 0,
    shield: bool = False,
) -> Tile:
    """A disc in the group's colour with a nose where it looks; ``load`` 0 .. 3 pips say how much it carries.

    An agent that changed its colour has a rim of that hue, one that shows a glyph a badge with the glyph's bits, and a
    raised shield is a ring around it all.
    """
    canvas = _Canvas(size)
    colour = GROUPS[group % len(GROUPS)]
    dx, dy = ((0, -1), (0, 1), (-1, 0), (1, 0), (-0.7, -0.7), (0.7, -0.7), (-0.7, 0.7), (0.7, 0.7))[orientation % 8]
    tip, side = (0.5 + 0.47 * dx, 0.5 + 0.47 * dy), (0.26 * -dy, 0.26 * dx)
    base = (0.5 + 0.16 * dx, 0.5 + 0.16 * dy)
    nose = canvas.polygon(tip, (base[0] + side[0], base[1] + side[1]), (base[0] - side[0], base[1] - side[1]))
    canvas.paint(canvas.disc(0.5, 0.54, 0.37), (0, 0, 0), 0.35)
    canvas.paint(nose, _WHITE)
    canvas.paint(canvas.disc(0.5, 0.5, 0.36), _INK)
    if colour_byte:
        canvas.paint(canvas.disc(0.5, 0.5, 0.36), _hue(colour_byte / 256))
        canvas.paint(canvas.disc(0.5, 0.5, 0.28), _INK)
    canvas.paint(canvas.disc(0.5, 0.5, 0.25 if colour_byte else 0.32), colour)
    canvas.paint(canvas.disc(0.42, 0.40, 0.12), _WHITE, 0.28)
    for eye in (-1, 1):
        x, y = 0.5 + 0.15 * dx - eye * 0.12 * dy, 0.5 + 0.15 * dy + eye * 0.12 * dx
        canvas.paint(canvas.disc(x, y, 0.075), _WHITE)
        canvas.paint(canvas.disc(x + 0.025 * dx, y + 0.025 * dy, 0.04), _INK)
    _mark(canvas, frozen, load, glyph, shield)
    return canvas.tile()


def _mark(canvas: _Canvas, frozen: bool, load: int, glyph: int, shield: bool) -> None:
    """What an agent's state adds to its picture."""
    if frozen:
        canvas.paint(canvas.disc(0.5, 0.5, 0.40), _ICE, 0.6)
        canvas.paint(canvas.box(0.5, 0.5, 0.04, 0.36) | canvas.box(0.5, 0.5, 0.36, 0.04), _WHITE, 0.75)
    if shield:
        canvas.paint(canvas.disc(0.5, 0.5, 0.48) & ~canvas.disc(0.5, 0.5, 0.41), _SHIELD, 0.85)
    if glyph:
        _badge(canvas, glyph)
    for pip in range(load):
        canvas.paint(canvas.disc(0.82, 0.84 - 0.19 * pip, 0.085), _INK)
        canvas.paint(canvas.disc(0.82, 0.84 - 0.19 * pip, 0.06), (255, 224, 110))


def _hue(turn: float) -> Colour:
    red, green, blue = colorsys.hls_to_rgb(turn, 0.6, 0.9)
    return round(red * 255), round(green * 255), round(blue * 255)


def _badge(canvas: _Canvas, glyph: int) -> None:
    """The glyph's eight bits around a 3x3 square, from the top left, the lowest first; the middle stays dark."""
    canvas.paint(canvas.box(0.22, 0.78, 0.21, 0.21, 0.04), _INK)
    places = [(column, row) for row in (-1, 0, 1) for column in (-1, 0, 1) if row or column]
    for bit, (column, row) in enumerate(places):
        if glyph >> bit & 1:
            canvas.paint(canvas.box(0.22 + 0.13 * column, 0.78 + 0.13 * row, 0.06, 0.06), _WHITE)


@lru_cache(maxsize=4096)
def object_tile(size: int, kind: str, state: str, sign_of: str = "", clipped: bool = False) -> Tile:
    """Anything else: a plate with its sign. ``state``: idle, busy (dimmed), full (a bright spot), open (doors).

    ``sign_of`` is the kind whose sign to draw where ``kind`` has none; ``clipped`` things are crossed out.
    """
    canvas = _Canvas(size)
    colour = colour_of(kind)
    dark = (round(colour[0] * 0.36), round(colour[1] * 0.36), round(colour[2] * 0.36))
    canvas.paint(canvas.box(0.5, 0.54, 0.43, 0.42, 0.12), (0, 0, 0), 0.35)
    canvas.paint(canvas.box(0.5, 0.5, 0.44, 0.44, 0.12), dark)
    canvas.paint(canvas.box(0.5, 0.5, 0.39, 0.39, 0.09), colour, 0.30)
    known = _SIGNS.get(kind) or _SIGNS.get(kind.partition("_")[0]) or _SIGNS.get(sign_of, _gem)
    sign = _doorway if state == "open" else known
    sign(
        canvas, colour if state != "busy" else (round(colour[0] * 0.6), round(colour[1] * 0.6), round(colour[2] * 0.6))
    )
    if state == "busy":
        canvas.paint(canvas.box(0.5, 0.86, 0.30, 0.035), _INK, 0.8)
        canvas.paint(canvas.box(0.35, 0.86, 0.15, 0.035), _WHITE, 0.9)
    if state == "full":
        canvas.paint(canvas.disc(0.80, 0.20, 0.14), _INK)
        canvas.paint(canvas.disc(0.80, 0.20, 0.105), (255, 224, 110))
    if clipped:
        cross = (np.abs(canvas.x - canvas.y) < 0.07) | (np.abs(canvas.x + canvas.y - 1) < 0.07)
        canvas.paint(cross & canvas.box(0.5, 0.5, 0.40, 0.40), _CLIPPED, 0.95)
    return canvas.tile()


def _ore(canvas: _Canvas, colour: Colour) -> None:
    for x, y, radius in ((0.36, 0.60, 0.17), (0.62, 0.62, 0.19), (0.49, 0.38, 0.18)):
        canvas.paint(canvas.disc(x, y, radius + 0.03), _INK)
        canvas.paint(canvas.disc(x, y, radius), colour)
        canvas.paint(canvas.disc(x - 0.05, y - 0.06, radius * 0.35), _WHITE, 0.5)


def _bolt(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.disc(0.5, 0.5, 0.34), colour)
    bolt = ((0.56, 0.20), (0.30, 0.56), (0.47, 0.56), (0.42, 0.82), (0.70, 0.43), (0.53, 0.43))
    canvas.paint(canvas.polygon(*bolt), _WHITE)


def _heart(canvas: _Canvas, colour: Colour) -> None:
    outline = canvas.disc(0.36, 0.40, 0.19) | canvas.disc(0.64, 0.40, 0.19)
    canvas.paint(outline | canvas.polygon((0.195, 0.50), (0.5, 0.84), (0.805, 0.50), (0.5, 0.36)), _WHITE)
    inner = canvas.disc(0.36, 0.40, 0.145) | canvas.disc(0.64, 0.40, 0.145)
    canvas.paint(inner | canvas.polygon((0.235, 0.485), (0.5, 0.775), (0.765, 0.485), (0.5, 0.36)), colour)


def _cross_hair(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.disc(0.5, 0.5, 0.30) & ~canvas.disc(0.5, 0.5, 0.22), _WHITE)
    canvas.paint(canvas.box(0.5, 0.5, 0.035, 0.36) | canvas.box(0.5, 0.5, 0.36, 0.035), colour)
    canvas.paint(canvas.disc(0.5, 0.5, 0.08), _WHITE)


def _shield(canvas: _Canvas, colour: Colour) -> None:
    outer = ((0.22, 0.24), (0.78, 0.24), (0.76, 0.52), (0.5, 0.84), (0.24, 0.52))
    inner = ((0.29, 0.31), (0.71, 0.31), (0.69, 0.51), (0.5, 0.74), (0.31, 0.51))
    canvas.paint(canvas.polygon(*outer), _WHITE)
    canvas.paint(canvas.polygon(*inner), colour)


def _box(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.box(0.5, 0.54, 0.32, 0.25, 0.05), colour)
    canvas.paint(canvas.box(0.5, 0.46, 0.32, 0.03), _INK)
    canvas.paint(canvas.box(0.5, 0.50, 0.06, 0.09), _WHITE)


def _stone(canvas: _Canvas, colour: Colour) -> None:
    light = (colour[0] + 255) // 2, (colour[1] + 255) // 2, (colour[2] + 255) // 2
    canvas.paint(canvas.box(0.5, 0.5, 0.36, 0.36, 0.04), light)
    canvas.paint(canvas.polygon((0.14, 0.86), (0.86, 0.14), (0.86, 0.86)), _INK, 0.35)
    canvas.paint(canvas.box(0.5, 0.5, 0.26, 0.26, 0.03), colour)


def _doorway(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.box(0.5, 0.5, 0.32, 0.38, 0.03), colour)
    canvas.paint(canvas.box(0.5, 0.5, 0.25, 0.38), FLOOR)
    canvas.paint(canvas.box(0.28, 0.5, 0.05, 0.38), colour)


def _leaf(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.box(0.5, 0.68, 0.03, 0.18), (120, 86, 54))
    for x, y in ((0.36, 0.48), (0.64, 0.48), (0.5, 0.32)):
        canvas.paint(canvas.disc(x, y, 0.17), colour)


def _planks(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.box(0.5, 0.5, 0.32, 0.38, 0.03), colour)
    canvas.paint(canvas.box(0.39, 0.5, 0.012, 0.38) | canvas.box(0.61, 0.5, 0.012, 0.38), _INK, 0.6)
    canvas.paint(canvas.disc(0.73, 0.52, 0.05), (255, 224, 110))


def _gear(canvas: _Canvas, colour: Colour) -> None:
    teeth = canvas.box(0.5, 0.5, 0.08, 0.34) | canvas.box(0.5, 0.5, 0.34, 0.08)
    diagonal = (np.abs(canvas.x - canvas.y) < 0.11) | (np.abs(canvas.x + canvas.y - 1) < 0.11)
    canvas.paint(teeth | canvas.disc(0.5, 0.5, 0.25) | (diagonal & canvas.disc(0.5, 0.5, 0.34)), colour)
    canvas.paint(canvas.disc(0.5, 0.5, 0.11), _INK)


def _gem(canvas: _Canvas, colour: Colour) -> None:
    canvas.paint(canvas.polygon((0.5, 0.18), (0.80, 0.48), (0.5, 0.84), (0.20, 0.48)), colour)
    canvas.paint(canvas.polygon((0.5, 0.18), (0.5, 0.84), (0.20, 0.48)), _WHITE, 0.28)


_SIGNS: dict[str, Callable[[_Canvas, Colour], None]] = {
    "mine": _ore,
    "generator": _bolt,
    "converter": _bolt,
    "altar": _heart,
    "lasery": _cross_hair,
    "armory": _shield,
    "chest": _box,
    "block": _stone,
    "plant": _leaf,
    "pile": _ore,
    "door": _planks,
    "lab": _gear,
    "factory": _gear,
    "assembler": _gear,
}
"""Object kind, or the part of it before the first underscore -> its sign."""
