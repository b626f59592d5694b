"""The table: a line per component, printed when the trace ends."""

from __future__ import annotations

import io

from rich.console import Console
from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.inspect.debugger import NetworkDebugger


def test_the_table_has_shapes_time_and_memory(network: ComponentContainer, data: dict[str, Tensor]) -> None:
    out = io.StringIO()
    debugger = NetworkDebugger(network, Console(file=out, width=140, color_system=None))
    with debugger.trace_execution():
        network(dict(data))
    said = out.getvalue()
    assert said.startswith("4 steps, ")
    (encoder,) = [line for line in said.splitlines() if line.startswith("│ encoder")]
    for part in ("LinearModule", "observation [5, 6]", "features [5, 8]", "160 B", "%"):
        assert part in encoder
    assert [step.name for step in debugger.trace.steps] == list(network.execution_order)
