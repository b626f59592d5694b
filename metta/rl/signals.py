"""SIGINT and SIGTERM: the handler only sets a flag, the trainer stops at its next safe point."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
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

    __slots__ = ("signum",)

    def __init__(self) -> None:
        self.signum: int | None = None

    def __bool__(self) -> bool:
        return self.signum is not None

    def set(self, signum: int) -> None:
        self.signum = signum


@contextmanager
def stop_on_signals(flag: StopFlag) -> Iterator[StopFlag]:
    """While inside, SIGINT and SIGTERM set ``flag``; a second SIGINT stops at once, without saving.

    The handlers before are put back on leaving. Only the main thread may enter.
    """

    def stop(signum: int, _: FrameType | None) -> None:
        if flag and signum == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a third one ends the process even inside native code
            raise KeyboardInterrupt
        flag.set(signum)
        name = signal.Signals(signum).name
        # One write call: printing from a handler must not re-enter a buffered stream that it interrupted.
        _write_stderr(f"\n{name}: stopping at the next safe point (Ctrl-C again: at once, without saving)\n")

    before = {signum: signal.signal(signum, stop) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield flag
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def _write_stderr(text: str) -> None:
    import os

    try:
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
    except (OSError, ValueError):
        pass  # a closed stderr must not turn a request to stop into a crash
