"""NetworkDebugger: shapes, time and memory per component, as a table."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.table import Table

from metta.agent.container import ComponentContainer
from metta.agent.inspect.trace import Shapes, Step, Trace, recording

_BAR = 12


class NetworkDebugger:
    """Looks over a network's shoulder.

    >>> import torch
    >>> from metta.agent.components.linear import LinearModule
    >>> network = ComponentContainer()
    >>> network.add_component("policy", LinearModule(3, 2, "features", "logits"))
    >>> debugger = NetworkDebugger(network)
    >>> with debugger.trace_execution(show=False) as trace:
    ...     _ = network({"features": torch.randn(4, 3)})
    >>> trace.steps[0].outputs
    {'logits': (4, 2)}
    """

    def __init__(self, network: ComponentContainer, console: Console | None = None) -> None:
        self.network = network
        self.console = console or Console()
        self.trace = Trace()
        """The newest one."""

    @contextmanager
    def trace_execution(self, show: bool = True) -> Iterator[Trace]:
        """Record all calls of the network inside; prints the table afterwards, also when a component failed."""
        with recording(self.network) as self.trace:
            try:
                yield self.trace
            finally:
                if show:
                    self.console.print(self.table())

    def table(self) -> Table:
        """The newest trace as a table, a line per component and call."""
        table = Table(title=f"{len(self.trace.steps)} steps, {_time(self.trace.seconds)}", title_justify="left")
        for heading in ("component", "class", "reads", "writes"):
            table.add_column(heading)
        for heading in ("time", "memory"):
            table.add_column(heading, justify="right")
        table.add_column("share of time")
        for step in self.trace.steps:
            table.add_row(*self._row(step))
        return table

    def _row(self, step: Step) -> tuple[str, ...]:
        share = step.seconds / self.trace.seconds if self.trace.seconds else 0.0
        bar = "█" * round(share * _BAR) or "▏"
        memory = _size(step.output_bytes) + (f" (peak {_size(step.peak_bytes)})" if step.peak_bytes else "")
        row = (step.name, step.class_name, _shown(step.inputs), _shown(step.outputs), _time(step.seconds), memory)
        return (*(text.replace("[", r"\[") for text in row), f"{bar} {share:.0%}")


def _shown(shapes: Shapes) -> str:
    return "\n".join(f"{key} {list(shape)}" for key, shape in shapes.items())


def _time(seconds: float) -> str:
    return f"{1e3 * seconds:.2f} ms" if seconds >= 1e-3 else f"{1e6 * seconds:.0f} us"


def _size(size: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError("the loop returns")
