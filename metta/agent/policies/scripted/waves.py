"""Shortest ways on many small grids at once: a wave that spreads from the goals, 64 cells to a machine word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SIDE = 64
"""Cells along a side of the grids: a row is one machine word. ``MIDDLE`` is the agent's row and column."""
MIDDLE = SIDE // 2
Boards = NDArray[np.uint64]
"""``[B, SIDE] uint64``: bit c of word r stands for the cell in row r, column c."""

_ONE = np.uint64(1)
_CHECK_EVERY = 4  # steps between looking which grids are done


def boards_of(cells: NDArray[np.bool_]) -> Boards:
    """Boards whose bits are set where ``cells [B, SIDE, SIDE]`` are true."""
    packed = np.packbits(np.ascontiguousarray(cells).reshape(-1), bitorder="little")
    return packed.view(np.uint64).reshape(-1, SIDE)


def first_steps(
    goals: NDArray[np.uint64], free: Boards, allowed: NDArray[np.bool_], max_steps: int
) -> NDArray[np.int8]:
    """Which neighbours of the middle lie on a shortest way to a goal.

    The wave starts from the goals and passes through free cells; a goal itself need not be free. Goals of delay d count
    as if they were d cells farther away::

        . . 3 2 3        goal G; the middle @ is reached from its east neighbour first: the way is 3 steps
        . @ 2 1 2
        . . 1 G 1

    Shapes: ``goals [B, D, SIDE]``: the goals of each delay 0 .. D-1; ``free [B, SIDE]``; ``allowed [B, 4]``: directions
    (north, south, west, east) that may be taken. Returns ``[B] int8`` with bit d set for each direction d that is
    equally good, 0 where no goal is reached within ``max_steps``.
    """
    result = np.zeros(len(free), dtype=np.int8)
    todo = np.arange(len(free))
    gates = _gates(allowed)
    wave = np.zeros_like(free)
    for step in range(max_steps):
        before = wave
        wave = _spread(wave, free) | wave
        if step < goals.shape[1]:
            wave |= goals[todo, step]
        hits = _hits(wave, gates)
        fresh = (result[todo] == 0) & (hits != 0)
        result[todo[fresh]] = hits[fresh]
        if step % _CHECK_EVERY == 0:
            going = result[todo] == 0
            stuck = step >= goals.shape[1] and bool((wave == before).all())
            if stuck or not going.any():
                break
            todo, wave, free, gates = todo[going], wave[going], free[going], gates[going]
    return result


def _gates(allowed: NDArray[np.bool_]) -> NDArray[np.uint64]:
    """``[B, 4]``: the bit of each neighbour of the middle in its word, 0 where it is not allowed."""
    column = np.array([MIDDLE, MIDDLE, MIDDLE - 1, MIDDLE + 1], dtype=np.uint64)
    return np.where(allowed, _ONE << column, np.uint64(0))


def _spread(wave: Boards, free: Boards) -> Boards:
    out = wave << _ONE
    out |= wave >> _ONE
    out[:, 1:] |= wave[:, :-1]
    out[:, :-1] |= wave[:, 1:]
    out &= free
    return out


def _hits(wave: Boards, gates: NDArray[np.uint64]) -> NDArray[np.int8]:
    around = wave[:, [MIDDLE - 1, MIDDLE + 1, MIDDLE, MIDDLE]]
    return ((around & gates) != 0).astype(np.int8) @ np.array([1, 2, 4, 8], dtype=np.int8)
