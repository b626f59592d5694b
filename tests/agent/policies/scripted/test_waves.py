"""Ways on boards against a breadth-first search."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metta.agent.policies.scripted.ground_memory import OFFSETS
from metta.agent.policies.scripted.waves import MIDDLE, SIDE, boards_of, first_steps

EVERYWHERE = np.ones((1, 4), dtype=np.bool_)


def distances(goals: dict[tuple[int, int], int], free: NDArray[np.bool_]) -> dict[tuple[int, int], int]:
    """Steps to the best goal, its delay included, by relaxing until nothing changes."""
    best = dict(goals)
    frontier = list(goals)
    while frontier:
        row, column = min(frontier, key=lambda cell: best[cell])
        frontier.remove((row, column))
        for down, right in OFFSETS:
            cell = (row + down, column + right)
            inside = 0 <= cell[0] < SIDE and 0 <= cell[1] < SIDE
            if inside and free[cell] and best[row, column] + 1 < best.get(cell, 10_000):
                best[cell] = best[row, column] + 1
                frontier.append(cell)
    return best


@pytest.mark.parametrize("seed", range(8))
def test_first_steps_are_those_of_shortest_ways(seed: int) -> None:
    rng = np.random.default_rng(seed)
    free = rng.random((1, SIDE, SIDE)) > 0.3
    cells = {(int(r), int(c)): int(d) for r, c, d in rng.integers((0, 0, 0), (SIDE, SIDE, 5), (6, 3))}
    goals = np.zeros((1, 5, SIDE, SIDE), dtype=np.bool_)
    for (row, column), delay in cells.items():
        goals[0, delay, row, column] = True
    allowed = rng.random((1, 4)) > 0.2
    boards = boards_of(goals[0]).reshape(1, 5, SIDE)
    found = int(first_steps(boards, boards_of(free), allowed, 4 * SIDE)[0])
    best = distances(cells, free[0])
    around = [
        best.get((MIDDLE + down, MIDDLE + right), 10_000) if allowed[0, i] else 10_000
        for i, (down, right) in enumerate(OFFSETS)
    ]
    wanted = sum(1 << i for i, steps in enumerate(around) if steps == min(around)) if min(around) < 10_000 else 0
    assert found == wanted, f"distances north, south, west, east: {around}"


def test_a_goal_need_not_be_free_but_the_way_must() -> None:
    goals = np.zeros((1, 1, SIDE, SIDE), dtype=np.bool_)
    goals[0, 0, MIDDLE, MIDDLE + 3] = True
    free = np.zeros((1, SIDE, SIDE), dtype=np.bool_)
    assert first_steps(boards_of(goals[0])[None], boards_of(free), EVERYWHERE, 20).tolist() == [0]
    free[0, MIDDLE, MIDDLE + 1 : MIDDLE + 3] = True
    assert first_steps(boards_of(goals[0])[None], boards_of(free), EVERYWHERE, 20).tolist() == [8]
    assert first_steps(boards_of(goals[0])[None], boards_of(free), EVERYWHERE, 2).tolist() == [0]


def test_rows_do_not_disturb_each_other() -> None:
    """A board gives the same answer alone and among others that are done earlier or never."""
    rng = np.random.default_rng(0)
    goals = np.zeros((9, SIDE, SIDE), dtype=np.bool_)
    goals[np.arange(8), rng.integers(0, SIDE, 8), rng.integers(0, SIDE, 8)] = True
    free, allowed = boards_of(rng.random((9, SIDE, SIDE)) > 0.1), np.ones((9, 4), dtype=np.bool_)
    boards = boards_of(goals)[:, None]
    together = first_steps(boards, free, allowed, 200)
    alone = [int(first_steps(boards[i : i + 1], free[i : i + 1], allowed[:1], 200)[0]) for i in range(9)]
    assert together.tolist() == alone
    assert together[8] == 0
    assert together[:8].all()
