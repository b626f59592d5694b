"""What a scripted agent remembers of the ground around it: a map in its own frame that moves as it moves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.agent.policies.scripted.waves import MIDDLE, SIDE

UNKNOWN, FREE, OBSTACLE, FIRST_MACHINE = 0, 1, 2, 3
"""Kinds of cells; ``FIRST_MACHINE + m`` is machine m."""
OFFSETS = ((-1, 0), (1, 0), (0, -1), (0, 1))
"""(row, column) of one step north, south, west, east."""

_LOST = 24
"""Cells of the window that contradict the map, from which on the agent must be somewhere else altogether."""
_EXPECTED = 0.5
"""What the displacement that the last action should have led to is ahead of the others, in cells."""

Grid = NDArray[Any]


def around_middle(grid: Grid, height: int, width: int, shift: tuple[int, int] = (0, 0)) -> Grid:
    """The part of ``grid [B, SIDE, SIDE]`` that a window shows to an agent ``shift`` away from the middle; a view."""
    top, left = MIDDLE - height // 2 + shift[0], MIDDLE - width // 2 + shift[1]
    return grid[:, top : top + height, left : left + width]


def displacement(kinds: Grid, seen: Grid, expected: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """How far each agent got with its last action: 0 nowhere, 1 to 4 one cell along ``OFFSETS[i - 1]``.

    Whether a move succeeded is not observed: another agent may have been faster. So the window is laid over the map
    at all five places, and the one with the fewest contradictions is taken, the ``expected`` one among equals.

    Shapes: ``kinds [B, SIDE, SIDE]``, ``seen [B, H, W]`` kinds of cells, ``expected [B]``. The second result ``[B]``
    is true where no place fits: the agent was put elsewhere, and what it remembers is void.
    """
    height, width = seen.shape[1:]
    contradictions = np.empty((len(seen), 1 + len(OFFSETS)), dtype=np.float32)
    for i, shift in enumerate(((0, 0), *OFFSETS)):
        known = around_middle(kinds, height, width, shift)
        contradictions[:, i] = ((known != seen) & (known != UNKNOWN)).sum((1, 2))
    rows = np.arange(len(seen))
    contradictions[rows, expected] -= _EXPECTED
    best = contradictions.argmin(1)
    return best, contradictions[rows, best] > _LOST


def follow(grids: list[Grid], moved: NDArray[np.int64]) -> None:
    """Move the maps, in place, so that the agent is in the middle again; cells that come in are 0."""
    for i, (down, right) in enumerate(OFFSETS, start=1):
        rows = np.flatnonzero(moved == i)
        if rows.size == 0:
            continue
        for grid in grids:
            old = grid[rows]
            grid[rows, max(-down, 0) : SIDE - max(down, 0), max(-right, 0) : SIDE - max(right, 0)] = old[
                :, max(down, 0) : SIDE + min(down, 0), max(right, 0) : SIDE + min(right, 0)
            ]
            entering = (SIDE - 1 if down + right > 0 else 0,)
            grid[(rows, *entering) if down else (rows, slice(None), *entering)] = 0
