"""Which cells an agent sees, from docs/observations.md: shapes of the window and lines of sight, with fractions."""

from __future__ import annotations

from collections.abc import Collection
from fractions import Fraction
from functools import cache
from itertools import product
from math import ceil, floor

from metta.mettagrid.config.observation import ObservationConfig

Cell = tuple[int, int]


@cache
def window_cells(width: int, height: int, shape: str = "square") -> list[Cell]:
    """Offsets by Manhattan distance, then north to south, then the western cell before the eastern one.

    >>> window_cells(3, 3)
    [(0, 0), (-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    >>> [len(window_cells(size, size, "circle")) for size in range(3, 16, 2)]
    [5, 21, 37, 57, 89, 121, 157]
    """
    half_width, half_height = width // 2, height // 2
    cells = [(r, c) for r in range(-half_height, half_height + 1) for c in range(-half_width, half_width + 1)]
    if shape == "circle":
        radii = (Fraction(half_height), Fraction(half_width))
        tips = {(r, c) for r, c in cells if (abs(r), abs(c)) in ((half_height, 1), (1, half_width)) and min(radii) >= 2}
        cells = [(r, c) for r, c in cells if (r / radii[0]) ** 2 + (c / radii[1]) ** 2 <= 1 or (r, c) in tips]
    return sorted(cells, key=lambda cell: (abs(cell[0]) + abs(cell[1]), cell))


def seen_cells(obs: ObservationConfig, opaque: Collection[Cell]) -> list[Cell]:
    """Offsets that are in sight, nearest first. ``opaque``: offsets that hide what is behind them."""
    cells = window_cells(obs.width, obs.height, obs.shape)
    if not obs.line_of_sight:
        return cells
    clear = {cell for cell in cells if cell not in opaque and is_clear(cell, opaque)}
    return [c for c in cells if c in clear or (c in opaque and (is_clear(c, opaque) or _nearer(c) & clear))]


def is_clear(target: Cell, opaque: Collection[Cell]) -> bool:
    """Whether no step of the straight line to ``target`` finds only opaque cells."""
    return all(any(cell not in opaque for cell in step) for step in _steps(target))


@cache
def _steps(target: Cell) -> list[set[Cell]]:
    """For each step along the longer axis the cells nearest to the line: one, or two that are equally near."""
    length = max(abs(target[0]), abs(target[1]))
    points = [(Fraction(target[0] * i, length), Fraction(target[1] * i, length)) for i in range(1, length)]
    return [set(product(_nearest(row), _nearest(column))) for row, column in points]


def _nearest(value: Fraction) -> set[int]:
    return {floor(value + Fraction(1, 2)), ceil(value - Fraction(1, 2))}


def _nearer(cell: Cell) -> set[Cell]:
    """Neighbours on the agent's side: one step nearer along one axis or both."""
    rows = {cell[0], cell[0] - (cell[0] > 0) + (cell[0] < 0)}
    columns = {cell[1], cell[1] - (cell[1] > 0) + (cell[1] < 0)}
    return set(product(rows, columns)) - {cell}
