"""Colours on a terminal, plain text elsewhere. A few escape codes: importing rich would take longer than the answer."""

from __future__ import annotations

import os
import shutil
import textwrap
from dataclasses import dataclass
from typing import TextIO

_PIPE_WIDTH = 120


@dataclass(frozen=True, slots=True)
class Style:
    """How to write to one stream: with or without colours, how wide."""

    colored: bool
    width: int
    is_terminal: bool

    @classmethod
    def of(cls, stream: TextIO) -> Style:
        """Colours on a terminal unless NO_COLOR is set or TERM is dumb; FORCE_COLOR turns them on anywhere."""
        terminal = stream.isatty()
        wanted = (terminal and os.environ.get("TERM") != "dumb") or bool(os.environ.get("FORCE_COLOR"))
        width = shutil.get_terminal_size((_PIPE_WIDTH, 24)).columns if terminal else _PIPE_WIDTH
        return cls(wanted and not os.environ.get("NO_COLOR"), max(width, 40), terminal)

    def bold(self, text: str) -> str:
        return self._paint("1", text)

    def dim(self, text: str) -> str:
        return self._paint("2", text)

    def name(self, text: str) -> str:
        """Something that can be typed: a tool, a recipe, a key."""
        return self._paint("36", text)

    def value(self, text: str) -> str:
        return self._paint("32", text)

    def error(self, text: str) -> str:
        return self._paint("1;31", text)

    def wrapped(self, text: str, indent: int) -> str:
        """``text`` in lines that fit, the following ones indented.

        Off a terminal nothing is wrapped: whoever reads a pipe wants one line a row.
        """
        room = self.width - indent - 1
        if not self.is_terminal or room < 20:
            return text
        return f"\n{' ' * indent}".join(textwrap.wrap(text, room, break_long_words=False) or [""])

    def _paint(self, code: str, text: str) -> str:
        return f"\x1b[{code}m{text}\x1b[0m" if self.colored and text else text
