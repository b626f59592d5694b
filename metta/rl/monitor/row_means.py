"""Rows every few epochs: the mean over the epochs since the row before."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_LATEST_PREFIXES = ("metric/", "timing_cumulative/", "evaluator/", "hyperparameters/", "control/", "trainer_memory/")
_LATEST_KEYS = frozenset({"overview/steps_per_second", "experience/area_under_reward"})


class RowMeans:
    """Collects epochs' rows. Numbers that already sum up a whole run or window, and settings, are taken as they are
    last; all others are means over the epochs that have them.

    >>> means = RowMeans()
    >>> means.add({"losses/total": 1.0, "metric/total_time": 5.0})
    >>> means.add({"losses/total": 2.0, "overview/reward": 7.0, "metric/total_time": 6.0})
    >>> means.take()
    {'losses/total': 1.5, 'metric/total_time': 6.0, 'overview/reward': 7.0}
    """

    def __init__(self) -> None:
        self._sums: dict[str, float] = {}
        self._counts: dict[str, int] = {}

    def add(self, row: Mapping[str, float]) -> None:
        for name, value in row.items():
            latest = name.startswith(_LATEST_PREFIXES) or name in _LATEST_KEYS or name.endswith(".avg")
            self._sums[name] = value if latest else self._sums.get(name, 0.0) + value
            self._counts[name] = 1 if latest else self._counts.get(name, 0) + 1

    def take(self) -> dict[str, float]:
        """The row, and begin the next one."""
        row = {name: total / self._counts[name] for name, total in self._sums.items()}
        self._sums, self._counts = {}, {}
        return dict(sorted(row.items()))

    def state_dict(self) -> dict[str, Any]:
        return {"sums": dict(self._sums), "counts": dict(self._counts)}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._sums = {name: float(value) for name, value in state.get("sums", {}).items()}
        self._counts = {name: int(count) for name, count in state.get("counts", {}).items()}
