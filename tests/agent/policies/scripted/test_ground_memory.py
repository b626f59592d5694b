"""The map in an agent's frame."""

from __future__ import annotations

import numpy as np
import pytest

from metta.agent.policies.scripted.ground_memory import (
    FREE,
    OBSTACLE,
    OFFSETS,
    UNKNOWN,
    around_middle,
    displacement,
    follow,
)
from metta.agent.policies.scripted.waves import MIDDLE, SIDE

NOWHERE = np.zeros(1, dtype=np.int64)


def ground(seed: int = 0) -> np.ndarray:
    """A world larger than the map, one cell in eight an obstacle."""
    rng = np.random.default_rng(seed)
    return np.where(rng.random((100, 100)) < 0.125, OBSTACLE, FREE).astype(np.uint8)


def window(world: np.ndarray, row: int, column: int) -> np.ndarray:
    return world[None, row - 5 : row + 6, column - 5 : column + 6]


@pytest.mark.parametrize("moved", range(5))
@pytest.mark.parametrize("expected", range(5))
def test_a_displacement_is_seen_whatever_was_expected(moved: int, expected: int) -> None:
    world, kinds = ground(), np.zeros((1, SIDE, SIDE), dtype=np.uint8)
    around_middle(kinds, 11, 11)[:] = window(world, 50, 50)
    down, right = ((0, 0), *OFFSETS)[moved]
    found, lost = displacement(kinds, window(world, 50 + down, 50 + right), np.array([expected]))
    assert (found.tolist(), lost.tolist()) == ([moved], [False])


def test_where_nothing_can_be_told_the_expected_is_taken() -> None:
    kinds = np.full((3, SIDE, SIDE), FREE, dtype=np.uint8)
    seen = np.full((3, 11, 11), FREE, dtype=np.uint8)
    assert displacement(kinds, seen, np.array([0, 2, 4]))[0].tolist() == [0, 2, 4]


def test_who_is_put_elsewhere_is_lost() -> None:
    kinds = np.full((1, SIDE, SIDE), FREE, dtype=np.uint8)
    assert displacement(kinds, np.full((1, 11, 11), OBSTACLE, dtype=np.uint8), NOWHERE)[1].tolist() == [True]


def test_the_map_follows_a_walk() -> None:
    """After any walk every remembered cell is the world's cell at that place."""
    world, kinds = ground(1), np.zeros((1, SIDE, SIDE), dtype=np.uint8)
    rng, place = np.random.default_rng(2), np.array([50, 50])
    for _ in range(200):
        step = int(rng.integers(5))
        target = np.clip(place + ((0, 0), *OFFSETS)[step], 35, 66)
        step = step if (target != place).any() else 0
        place = target
        follow([kinds], np.array([step]))
        around_middle(kinds, 11, 11)[:] = window(world, *place)
        top, left = place - MIDDLE
        there = world[top : top + SIDE, left : left + SIDE]
        np.testing.assert_array_equal(kinds[0], np.where(kinds[0] == UNKNOWN, UNKNOWN, there))
    assert (kinds != UNKNOWN).sum() > 400


def test_only_the_rows_that_moved_follow() -> None:
    kinds = np.arange(3 * SIDE * SIDE).reshape(3, SIDE, SIDE)
    before = kinds.copy()
    follow([kinds], np.array([0, 1, 4]))
    np.testing.assert_array_equal(kinds[0], before[0])
    np.testing.assert_array_equal(kinds[1, 1:], before[1, :-1])
    np.testing.assert_array_equal(kinds[2, :, :-1], before[2, :, 1:])
    assert not kinds[1, 0].any()
    assert not kinds[2, :, -1].any()
