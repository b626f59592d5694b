"""Worlds in a terminal."""

from __future__ import annotations

import io
import os

import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.render.ansi import draw
from metta.mettagrid.render.terminal import TerminalScreen


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_file_gets_whole_plain_frames() -> None:
    env, stream = MettaGridEnv(make_arena(1)), io.StringIO()
    height, width = env.map_size
    screen = TerminalScreen(stream)
    screen.show(env.grid_objects(), width, height, "step 0")
    screen.show(env.grid_objects(), width, height, "step 1")
    plain = draw(env.grid_objects(), width, height, colour=False)
    assert stream.getvalue() == f"step 0\n{plain}\nstep 1\n{plain}\n"


def test_a_terminal_is_drawn_over_and_never_scrolls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((40, 12)))
    env, stream = MettaGridEnv(make_arena(1)), Terminal()
    height, width = env.map_size
    TerminalScreen(stream).show(env.grid_objects(), width, height, "caption")
    shown = stream.getvalue()
    assert shown.startswith("\x1b[H\x1b[Jcaption\n")
    assert len(shown.splitlines()) == 11
    assert "0^" in shown, "the window follows the agent"
