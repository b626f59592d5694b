"""The live panel: progress, speed, what the agents do, how learning goes, where the time went."""

from __future__ import annotations

import contextlib
import logging
import sys
import termios
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from itertools import pairwise
from typing import Any, TextIO, cast

from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderResult
from rich.file_proxy import FileProxy
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from metta.tracking.console import Clock, Pace, clock_text, number_text

HISTORY = 512
"""Rows remembered for the small curves."""
_CURVE = "▁▂▃▄▅▆▇█"
_WIDE = 96  # columns from which the three tables stand beside each other with curves

_LOSSES = (
    ("policy", "losses/policy_loss"),
    ("value", "losses/value_loss"),
    ("entropy", "losses/entropy"),
    ("approx kl", "losses/approx_kl"),
    ("clipped", "losses/clipfrac"),
    ("explained", "losses/explained_variance"),
    ("grad norm", "losses/grad_norm"),
)
_FIRST_STATS = ("heart.gained", "battery_red.gained", "ore_red.gained", "laser.gained", "armor.gained", "attack.hit")
_PARTS = (
    ("environments", "timing_per_epoch/frac/rollout.env"),
    ("inference", "timing_per_epoch/frac/rollout.inference"),
    ("update", "timing_per_epoch/frac/update"),
    ("hooks", "timing_per_epoch/frac/hooks"),
)
_MACHINE: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("epoch", "timing_per_epoch/msec/total", lambda msec: f"{msec / 1000:.2f} s"),
    ("memory", "trainer_memory/peak_rss", lambda size: f"{size / 2**30:.2f} GiB"),
    ("GPU", "monitor/gpu_percent", lambda percent: f"{percent:.0f} %"),
)
_MAX_ROWS = 7


class LiveConsole:
    """Draws a panel that refreshes four times a second. Log records to stderr appear above it, unharmed."""

    def __init__(
        self,
        console: Console,
        run: str,
        total: int,
        *,
        subtitle: str = "",
        stopping: Callable[[], bool] = lambda: False,
        clock: Clock = time.monotonic,
    ) -> None:
        self.console = console
        self.run = run
        self.subtitle = subtitle
        self.stopping = stopping
        self.pace = Pace(total, clock)
        self._phase = "starting"
        self._spinner = Spinner("dots", style="cyan")
        self._known: dict[str, float] = {}
        self._curves: dict[str, deque[float]] = {}
        self._live = Live(self, console=console, refresh_per_second=4, transient=False)
        self._redirected: list[tuple[logging.StreamHandler[TextIO], TextIO]] = []
        self._terminal = contextlib.ExitStack()

    def start(self, step: int, epoch: int = 0) -> None:
        self._known["epoch"] = epoch
        self.pace.start(step)
        self._terminal.enter_context(_hidden_control_echo())
        for handler in logging.getLogger("metta").handlers:
            # A handler holds the stream that stderr was when it was made; Live redirects only the name sys.stderr.
            if isinstance(handler, logging.StreamHandler) and handler.stream in (sys.stderr, sys.__stderr__):
                stream = cast("logging.StreamHandler[TextIO]", handler)
                self._redirected.append((stream, stream.stream))
                stream.setStream(cast(TextIO, FileProxy(self.console, stream.stream)))
        self._live.start()

    def phase(self, name: str) -> None:
        self._phase = name

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self.pace.mark(step)
        self._known.update(metrics)
        for key, value in metrics.items():
            self._curves.setdefault(key, deque(maxlen=HISTORY)).append(value)

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        del state

    def close(self) -> None:
        self._phase = "done" if self.pace.step >= self.pace.total else "stopped"
        self._live.stop()
        for handler, stream in self._redirected:
            handler.setStream(stream)
        self._redirected.clear()
        self._terminal.close()

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        tables = Table.grid(expand=True, padding=(0, 2))
        for _ in range(3):
            tables.add_column(ratio=1)
        tables.add_row(*self._tables(curves=width >= _WIDE))
        yield Panel(
            Group(self._progress(), Padding(self._status(), (0, 0, 1, 0)), tables),
            title=Text.assemble((" metta ", "bold cyan"), (f"{self.run} ", "bold")),
            title_align="left",
            subtitle=Text(f" {self.subtitle} ", style="dim") if self.subtitle else None,
            subtitle_align="right",
            box=box.ROUNDED,
            border_style="cyan" if self._phase != "stopped" else "yellow",
            padding=(1, 2),
        )

    def _progress(self) -> Table:
        pace = self.pace
        row = Table.grid(expand=True, padding=(0, 2))
        row.add_column(ratio=1)
        row.add_column(justify="right", no_wrap=True)
        row.add_column(justify="right", no_wrap=True)
        bar = ProgressBar(
            total=1.0, completed=pace.fraction, complete_style="cyan", finished_style="green", style="grey30"
        )
        steps = Text.assemble((f"{pace.step:,}", "bold"), (f" / {pace.total:,} agent-steps", "dim"))
        row.add_row(bar, Text(f"{100 * pace.fraction:.1f} %", style="bold cyan"), steps)
        return row

    def _status(self) -> Table:
        pace = self.pace
        row = Table.grid(expand=True, padding=(0, 2))
        row.add_column(no_wrap=True)
        row.add_column(justify="right", no_wrap=True, ratio=1)
        row.add_row(
            self._phase_text(),
            Text.assemble(
                (f"{pace.steps_per_second:,.0f}", "bold green"),
                (" agent-steps/s   ", "dim"),
                (clock_text(pace.elapsed), "bold"),
                (" elapsed   ", "dim"),
                (clock_text(pace.seconds_left), "bold"),
                (" left", "dim"),
            ),
        )
        return row

    def _phase_text(self) -> Text:
        epoch = Text.assemble(("epoch ", "dim"), (f"{int(self._known.get('epoch', 0)):,}", "bold"))
        if self._phase in ("done", "stopped"):
            mark = ("✔ done", "bold green") if self._phase == "done" else ("■ stopped", "bold yellow")
            return Text.assemble(epoch, "   ", mark)
        name, style = ("stopping at the next safe point", "bold yellow") if self.stopping() else (self._phase, "cyan")
        frame = self._spinner.render(time.monotonic())
        return Text.assemble(epoch, "   ", cast(Text, frame), " ", (name, style))

    def _tables(self, curves: bool) -> Iterator[Table]:
        yield self._table("agents", list(self._agent_rows()), curves)
        losses = [(label, number_text(self._known[key]), key) for label, key in _LOSSES if key in self._known]
        yield self._table("learning", losses, curves)
        yield self._table("time and memory", list(self._time_rows()), False)

    def _agent_rows(self) -> Iterator[tuple[str, str, str]]:
        known = self._known
        if "overview/reward" in known:
            yield "reward", number_text(known["overview/reward"]), "overview/reward"
        if "evaluator/reward" in known:
            yield "evaluated", number_text(known["evaluator/reward"]), "evaluator/reward"
        rows = 0
        for stat in _FIRST_STATS:
            key = f"env_agent/{stat}"
            if key in known and rows < _MAX_ROWS - 2:
                rows += 1
                label = "hearts" if stat == "heart.gained" else stat.removesuffix(".gained").replace("_", " ")
                yield label, number_text(known[key]), key
        if "overview/episode_length" in known:
            yield "episode length", number_text(known["overview/episode_length"]), "overview/episode_length"

    def _time_rows(self) -> Iterator[tuple[str, str, str]]:
        known = self._known
        for label, key in _PARTS:
            if key in known:
                yield label, f"{100 * known[key]:.0f} %", key
        for label, key, unit in _MACHINE:
            if key in known:
                yield label, unit(known[key]), key

    def _table(self, title: str, rows: list[tuple[str, str, str]], curves: bool) -> Table:
        table = Table(box=None, expand=True, show_header=True, header_style="dim", padding=(0, 1), pad_edge=False)
        table.add_column(Text(title), ratio=2, no_wrap=True)
        table.add_column("", justify="right", no_wrap=True, style="bold")
        if curves:
            table.add_column("", no_wrap=True, style="cyan", width=10)
        if not rows:
            rows = [("waiting …" if not self._curves else "none yet", "", "")]
        for label, value, key in rows:
            table.add_row(label, value, *([curve(self._curves.get(key, ()), 10)] if curves else []))
        return table


@contextlib.contextmanager
def _hidden_control_echo() -> Iterator[None]:
    """A terminal shows Ctrl-C as ``^C``, two columns that would shift the panel by a line; hide it meanwhile."""
    try:
        descriptor = sys.stdin.fileno()
        before = termios.tcgetattr(descriptor)
    except (termios.error, OSError, ValueError, AttributeError):  # no terminal
        yield
        return
    quiet = [*before]
    quiet[3] &= ~termios.ECHOCTL
    with contextlib.suppress(termios.error):
        termios.tcsetattr(descriptor, termios.TCSANOW, quiet)
    try:
        yield
    finally:
        with contextlib.suppress(termios.error):
            termios.tcsetattr(descriptor, termios.TCSANOW, before)


def curve(values: Any, width: int) -> str:
    """The course of ``values`` in ``width`` letters, each the mean of its share; empty for fewer than two.

    >>> curve([0, 1, 2, 3], 4)
    '▁▃▆█'
    """
    points = list(values)
    if len(points) < 2:
        return ""
    width = min(width, len(points))
    edges = [round(index * len(points) / width) for index in range(width + 1)]
    means = [sum(points[a:b]) / (b - a) for a, b in pairwise(edges)]
    low, high = min(means), max(means)
    if not high > low:  # flat, or not a number
        return _CURVE[0] * width
    return "".join(_CURVE[min(int((mean - low) / (high - low) * len(_CURVE)), len(_CURVE) - 1)] for mean in means)
