"""Named timers. Times go to ``timing.jsonl`` and the console, never into a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from contextlib import contextmanager


class Stopwatch:
    """Adds up wall time by name, from lap to lap. One thread uses it.

    Units: seconds. Names with dots are a hierarchy by convention: ``rollout.env`` is part of ``rollout``.

    >>> watch = Stopwatch()
    >>> with watch("rollout.env"):
    ...     pass
    >>> sorted(watch.lap())
    ['rollout.env']
    """

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._started_at = clock()
        self._seconds: dict[str, float] = {}
        self._totals: dict[str, float] = {}

    @contextmanager
    def __call__(self, name: str) -> Generator[None]:
        """Time a block. Blocks may repeat, nest, and raise: their time counts."""
        start = self._clock()
        try:
            yield
        finally:
            self.add(name, self._clock() - start)

    def add(self, name: str, seconds: float) -> None:
        """Count ``seconds`` that were measured elsewhere, such as in native code."""
        self._seconds[name] = self._seconds.get(name, 0.0) + seconds

    def lap(self) -> dict[str, float]:
        """Seconds by name since the last lap, sorted by name; starts the next lap."""
        finished, self._seconds = self._seconds, {}
        for name, seconds in finished.items():
            self._totals[name] = self._totals.get(name, 0.0) + seconds
        return dict(sorted(finished.items()))

    def totals(self) -> dict[str, float]:
        """Seconds by name over all laps, the running one included."""
        names = sorted(self._totals.keys() | self._seconds.keys())
        return {name: self._totals.get(name, 0.0) + self._seconds.get(name, 0.0) for name in names}

    def elapsed(self) -> float:
        """Seconds since the stopwatch was made."""
        return self._clock() - self._started_at
