"""Shows one world after another in a terminal, or as plain text where there is none."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from typing import TextIO

from metta.mettagrid.maps.legend import AGENT
from metta.mettagrid.render.ansi import GridObject, View, draw, view_around

_HOME_AND_CLEAR = "\x1b[H\x1b[J"
_COLUMNS_A_CELL = 2


class TerminalScreen:
    """Draws in place, in colour, cut to the window around the first agent; a file gets plain frames one by one."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream

    def show(self, objects: Sequence[GridObject], width: int, height: int, caption: str) -> None:
        """Draw one world below its caption."""
        stream = self._stream or sys.stdout
        if not stream.isatty():
            stream.write(f"{caption}\n{draw(objects, width, height, colour=False)}\n")
        else:
            picture = draw(objects, width, height, view=_fitting(objects, width, height))
            stream.write(f"{_HOME_AND_CLEAR}{caption}\n{picture}\n")
        stream.flush()


def _fitting(objects: Sequence[GridObject], width: int, height: int) -> View:
    size = shutil.get_terminal_size()
    agent = next((item for item in objects if item["type"] == AGENT), None)
    row, column = (height // 2, width // 2) if agent is None else (int(agent["r"]), int(agent["c"]))
    return view_around(
        row,
        column,
        width=width,
        height=height,
        view_width=max(1, size.columns // _COLUMNS_A_CELL),
        view_height=max(1, size.lines - 2),
    )
