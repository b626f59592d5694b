"""Named timers."""

from __future__ import annotations

import pytest

from metta.common.stopwatch import Stopwatch


class _Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def test_laps_and_totals() -> None:
    watch = Stopwatch(_Clock())
    for _ in range(2):
        with watch("update"):
            pass
    watch.add("rollout.env", 0.5)
    assert watch.lap() == {"rollout.env": 0.5, "update": 2.0}
    assert watch.lap() == {}
    with watch("update"):
        pass
    assert watch.totals() == {"rollout.env": 0.5, "update": 3.0}
    assert watch.elapsed() > 0


def test_a_block_that_raises_counts() -> None:
    watch = Stopwatch(_Clock())
    with pytest.raises(ValueError, match="no"), watch("x"):
        raise ValueError("no")
    assert watch.lap() == {"x": 1.0}
