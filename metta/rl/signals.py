"""SIGINT and SIGTERM: the handler only sets a flag, the trainer stops at its next safe point."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType


class StopFlag:
    """Which signal asked the run to stop, if any. Cheap enough to ask at every environment step and minibatch.

    >>> flag = StopFlag()
    >>> bool(flag)
    False
    >>> flag.set(15)
    >>> bool(flag), flag.signum
    (True, 15)
    """

    __slots__ = ("asked_by", "signum")

    def __init__(self) -> None:
        self.signum: int | None = None
        self.asked_by = ""

    def __bool__(self) -> bool:
        return self.signum is not None

    def set(self, signum: int) -> None:
        self.signum = signum
        self.asked_by = signal.Signals(signum).name

    def ask(self, who: str) -> None:
        """The same as SIGTERM, asked for by ``who``."""
        self.set(signal.SIGTERM)
        self.asked_by = who


@contextlib.contextmanager
def stop_on_signals(flag: StopFlag, *, announce: bool = True) -> Iterator[StopFlag]:
    """While inside, SIGINT and SIGTERM set ``flag``; a second SIGINT stops at once, without saving.
    ``announce``: say so on stderr; not where a live panel shows it.

    The handlers before are put back on leaving. Only the main thread gets signals; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return

    def stop(signum: int, _: FrameType | None) -> None:
        if flag and signum == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a third one ends the process even inside native code
            raise KeyboardInterrupt
        flag.set(signum)
        if announce:  # one write call: printing here must not re-enter a buffered stream that it interrupted
            name = signal.Signals(signum).name
            _write_stderr(f"\n{name}: stopping at the next safe point (Ctrl-C again: at once, without saving)\n")

    before = {signum: signal.signal(signum, stop) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _write_stderr(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed stderr must not turn a request to stop into a crash
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
