"""A sink for metrics. Sinks share one protocol, and 'none' is a sink too, so nobody asks whether one is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol


class Logger(Protocol):
    """Takes one row of numbers an epoch. ``state`` is saved with the trainer, ``restore`` goes back to it."""

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Record ``metrics`` at ``step`` (agent-steps so far)."""
        ...

    def state(self) -> dict[str, Any]:
        """What ``restore`` needs to drop rows of epochs that will be done again. Plain JSON."""
        ...

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go back to ``state``; called before the first ``log``. An empty state is a new run."""
        ...

    def close(self) -> None:
        """Flush and release; further calls do nothing."""
        ...


class NullLogger:
    """Takes everything and keeps nothing.

    >>> NullLogger().log({"overview/reward": 1.0}, step=64)
    """

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        del metrics, step

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def close(self) -> None:
        pass
