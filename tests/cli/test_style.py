"""Colours on terminals only, and only when they are wanted."""

from __future__ import annotations

import io

import pytest

from metta.cli.style import Style


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "50")


def test_terminal_and_pipe() -> None:
    assert Style.of(_Terminal()).error("x") == "\x1b[1;31mx\x1b[0m"
    assert Style.of(io.StringIO()).error("x") == "x"


def test_wishes_of_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert Style.of(io.StringIO()).colored
    monkeypatch.setenv("NO_COLOR", "1")
    assert not Style.of(_Terminal()).colored
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.delenv("FORCE_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert not Style.of(_Terminal()).colored


def test_text_wraps_on_a_terminal_and_stays_on_one_line_in_a_pipe() -> None:
    text = "word " * 30
    assert Style.of(io.StringIO()).wrapped(text, 10) == text
    lines = Style.of(_Terminal()).wrapped(text, 10).splitlines()
    assert len(lines) > 1
    assert all(line.startswith(" " * 10) for line in lines[1:])
    assert max(map(len, lines)) <= 50
