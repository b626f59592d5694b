"""Single key presses from a terminal, and the terminal as it was afterwards, whatever happens in between."""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
import tty
from collections import deque
from types import FrameType, TracebackType
from typing import Any, Self

from metta.common.errors import ConfigError, InterruptedBySignal

_SEQUENCES = {"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end", "Z": "back_tab"}
_TILDE = {"1": "home", "4": "end", "5": "page_up", "6": "page_down", "7": "home", "8": "end"}
_NAMED = {"\r": "enter", "\n": "enter", "\t": "tab", " ": "space", "\x7f": "backspace", "\x1b": "escape"}
_ESCAPE_WAIT_S = 0.05
"""An escape byte that nothing follows within this time was the Escape key itself."""

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class KeyParser:
    """Turns bytes into key names: ``up``, ``space``, ``q``. Sequences may arrive in pieces.

    >>> KeyParser().feed(b"q\\x1b[A\\x1bOB ")
    ['q', 'up', 'down', 'space']
    """

    def __init__(self) -> None:
        self._pending = ""

    @property
    def waiting(self) -> bool:
        """Whether the bytes so far could be the beginning of a sequence."""
        return bool(self._pending)

    def feed(self, data: bytes) -> list[str]:
        """Key names that are complete with ``data``."""
        text = self._pending + data.decode("utf-8", errors="ignore")
        self._pending = ""
        keys: list[str] = []
        position = 0
        while position < len(text):
            if text[position] != "\x1b":
                keys.append(_NAMED.get(text[position], text[position]))
                position += 1
                continue
            end = _sequence_end(text, position)
            if end is None:
                self._pending = text[position:]
                break
            name = _sequence_name(text[position:end])
            if name:
                keys.append(name)
            position = end
        return keys

    def flush(self) -> list[str]:
        """What the pending bytes mean when nothing follows: the Escape key."""
        keys = ["escape"] if self._pending else []
        self._pending = ""
        return keys


def _sequence_end(text: str, start: int) -> int | None:
    """Index after the escape sequence at ``start``; None when it is not complete."""
    if start + 1 >= len(text):
        return None
    if text[start + 1] == "O":
        return start + 3 if start + 2 < len(text) else None
    if text[start + 1] != "[":
        return start + 1  # Escape, then another key
    for index in range(start + 2, len(text)):
        if "@" <= text[index] <= "~":
            return index + 1
    return None


def _sequence_name(sequence: str) -> str | None:
    if sequence == "\x1b":
        return "escape"
    final, parameters = sequence[-1], sequence[2:-1]
    return _TILDE.get(parameters.split(";")[0]) if final == "~" else _SEQUENCES.get(final)


class KeyTerminal:
    """A terminal that gives keys one by one, unechoed; a context manager that always puts it back.

    SIGINT, SIGTERM and SIGHUP become ``InterruptedBySignal``, so that leaving the block restores the terminal; only
    SIGKILL cannot be helped (``stty sane`` cures what it leaves).

    Raises:
        ConfigError: standard input is no terminal.
    """

    def __init__(self, fd: int | None = None) -> None:
        self._fd = sys.stdin.fileno() if fd is None else fd
        self._parser = KeyParser()
        self._keys: deque[str] = deque()
        self._saved: list[Any] | None = None
        self._handlers: dict[signal.Signals, Any] = {}
        self.closed = False

    def __enter__(self) -> Self:
        if not os.isatty(self._fd):
            raise ConfigError(
                "this command reads keys, but standard input is no terminal. Run it in a terminal; "
                "`replay` without one prints plain frames."
            )
        self._saved = termios.tcgetattr(self._fd)
        try:
            for signum in _SIGNALS:
                self._handlers[signum] = signal.signal(signum, _raise_interrupted)
            tty.setcbreak(self._fd, termios.TCSADRAIN)
            # Ctrl-Z would leave the shell with our full-screen terminal.
            attributes = termios.tcgetattr(self._fd)
            attributes[6][termios.VSUSP] = b"\0"
            termios.tcsetattr(self._fd, termios.TCSADRAIN, attributes)
        except BaseException:
            self._restore()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._restore()

    def _restore(self) -> None:
        try:
            if self._saved is not None:
                termios.tcsetattr(self._fd, termios.TCSAFLUSH, self._saved)
        except termios.error:
            pass  # the terminal is gone (SIGHUP): there is nothing to restore
        finally:
            self._saved = None
            for signum, handler in self._handlers.items():
                signal.signal(signum, handler)
            self._handlers.clear()

    def read(self, timeout_s: float | None) -> str | None:
        """The next key, or None after ``timeout_s`` seconds (None waits for ever) or when the terminal has closed."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while not self._keys and not self.closed:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            wait = _ESCAPE_WAIT_S if self._parser.waiting else left
            ready, _, _ = select.select([self._fd], [], [], wait)
            if ready:
                self._take()
            elif self._parser.waiting:
                self._keys.extend(self._parser.flush())
            else:
                return None
        return self._keys.popleft() if self._keys else None

    def _take(self) -> None:
        try:
            data = os.read(self._fd, 1024)
        except OSError:  # EIO: the other side of a pseudo-terminal is gone
            data = b""
        self.closed = not data
        self._keys.extend(self._parser.feed(data))


def _raise_interrupted(signum: int, frame: FrameType | None) -> None:
    raise InterruptedBySignal(signum, f"stopped by {signal.Signals(signum).name}")
