"""What a person at the terminal sees of a training run: a live panel, or a plain line now and then where none fits."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from rich.console import Console

from metta.tracking.logger import Logger

Clock = Callable[[], float]

LINE_INTERVAL = 10.0
"""Seconds between two plain lines."""


class ConsoleLogger(Logger, Protocol):
    """A logger that also hears what the run is doing between two rows."""

    def phase(self, name: str) -> None:
        """``collecting``, ``learning``, ``evaluating``."""
        ...

    def start(self, step: int, epoch: int = 0) -> None:
        """Training begins, or goes on, at ``step`` after ``epoch`` epochs."""
        ...


class Pace:
    """Speed and time left over the last epochs. Units: seconds and agent-steps.

    >>> now = [0.0]
    >>> pace = Pace(total=100, clock=lambda: now[0])
    >>> pace.start(0)
    >>> now[0] = 2.0
    >>> pace.mark(20)
    >>> pace.steps_per_second, pace.seconds_left
    (10.0, 8.0)
    """

    def __init__(self, total: int, clock: Clock = time.monotonic, window: int = 20) -> None:
        self.total = total
        self.clock = clock
        self.step = 0
        self._marks: deque[tuple[float, int]] = deque(maxlen=window)
        self._started = clock()

    def start(self, step: int) -> None:
        self.step = step
        self._started = self.clock()
        self._marks.clear()
        self._marks.append((self._started, step))

    def mark(self, step: int) -> None:
        self.step = step
        self._marks.append((self.clock(), step))

    @property
    def elapsed(self) -> float:
        return self.clock() - self._started

    @property
    def fraction(self) -> float:
        return min(self.step / self.total, 1.0)

    @property
    def steps_per_second(self) -> float:
        (begin, first), (end, last) = self._marks[0], self._marks[-1]
        return (last - first) / (end - begin) if end > begin else 0.0

    @property
    def seconds_left(self) -> float | None:
        """None before the first epoch has ended."""
        speed = self.steps_per_second
        return max(self.total - self.step, 0) / speed if speed > 0 else None


class LineConsole:
    """One plain line about every ten seconds: for pipes, log files and terminals without cursor control.

    The first and the last epoch always get theirs. No colour and no control sequences.
    """

    def __init__(self, console: Console, run: str, total: int, clock: Clock = time.monotonic) -> None:
        self.console = console
        self.run = run
        self.pace = Pace(total, clock)
        self._known: dict[str, float] = {}
        self._last_line = float("-inf")

    def start(self, step: int, epoch: int = 0) -> None:
        self._known["epoch"] = epoch
        self.pace.start(step)

    def phase(self, name: str) -> None:
        pass

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self.pace.mark(step)
        self._known.update(metrics)
        now = self.pace.clock()
        if now - self._last_line < LINE_INTERVAL and step < self.pace.total:
            return
        self._last_line = now
        self.console.print(self._line(), soft_wrap=True, markup=False, highlight=False)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def close(self) -> None:
        pass

    def _line(self) -> str:
        pace, known = self.pace, self._known
        parts = [
            f"{self.run}: epoch {int(known.get('epoch', 0))}",
            f"{100 * pace.fraction:.1f}%",
            f"{pace.step:,}/{pace.total:,} agent-steps",
            f"{pace.steps_per_second:,.0f}/s",
            f"eta {clock_text(pace.seconds_left)}",
        ]
        for label, key in (
            ("reward", "overview/reward"),
            ("hearts", "env_agent/heart.gained"),
            ("policy_loss", "losses/policy_loss"),
            ("value_loss", "losses/value_loss"),
            ("entropy", "losses/entropy"),
        ):
            if key in known:
                parts.append(f"{label} {number_text(known[key])}")
        return "  ".join(parts)


def make_console_logger(
    run: str,
    total: int,
    *,
    subtitle: str = "",
    stopping: Callable[[], bool] = lambda: False,
    console: Console | None = None,
) -> ConsoleLogger:
    """The live panel on a real terminal; plain lines when piped, with ``NO_COLOR``, or ``TERM=dumb``."""
    console = console or Console(soft_wrap=False)
    plain = bool(os.environ.get("NO_COLOR")) or console.is_dumb_terminal or not console.is_terminal
    if plain:
        return LineConsole(Console(file=console.file, no_color=True, force_terminal=False, width=4096), run, total)
    from metta.tracking.live_console import LiveConsole

    return LiveConsole(console, run, total, subtitle=subtitle, stopping=stopping)


def clock_text(seconds: float | None) -> str:
    """``1:02:03``; dashes when it is not known.

    >>> clock_text(3723), clock_text(59.6), clock_text(None)
    ('1:02:03', '0:01:00', '-:--:--')
    """
    if seconds is None:
        return "-:--:--"
    whole = round(seconds)
    return f"{whole // 3600}:{whole // 60 % 60:02}:{whole % 60:02}"


def number_text(value: float) -> str:
    """Four digits that matter, in a width that stays.

    >>> [number_text(value) for value in (3.14159, -0.00123, 0.0, 12345.6, 0.000012)]
    ['3.142', '-0.001', '0.000', '12,346', '1.2e-05']
    """
    size = abs(value)
    if size and (size < 5e-4 or size >= 1e7):
        return f"{value:.1e}"
    return f"{value:,.0f}" if size >= 1000 else f"{value:.1f}" if size >= 100 else f"{value:.3f}"
