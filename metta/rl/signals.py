"""SIGINT, SIGTERM, SIGHUP, SIGUSR1: the handler only sets a flag, the trainer acts at its next safe point."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
CHECKPOINT = signal.SIGUSR1


class StopFlag:
    """Which signal asked the run to stop, if any. Cheap enough to ask at every environment step and minibatch.

    It also holds who asked for a checkpoint between two epochs.

    >>> flag = StopFlag()
    >>> bool(flag)
    False
    >>> flag.set(15)
    >>> bool(flag), flag.signum
    (True, 15)
    """

    __slots__ = ("_checkpoint_asked_by", "asked_by", "signum")

    def __init__(self) -> None:
        self.signum: int | None = None
        self.asked_by = ""
        self._checkpoint_asked_by = ""

    def __bool__(self) -> bool:
        return self.signum is not None

    def set(self, signum: int) -> None:
        self.signum = signum
        self.asked_by = signal.Signals(signum).name

    def ask(self, who: str) -> None:
        """The same as SIGTERM, asked for by ``who``."""
        self.set(signal.SIGTERM)
        self.asked_by = who

    def ask_checkpoint(self, who: str) -> None:
        """Have policy and state written at the next safe point; training goes on."""
        self._checkpoint_asked_by = who

    def take_checkpoint_request(self) -> str:
        """Who asked for a checkpoint since the last call; empty when nobody did."""
        who, self._checkpoint_asked_by = self._checkpoint_asked_by, ""
        return who


@contextlib.contextmanager
def stop_on_signals(flag: StopFlag, *, announce: bool = True) -> Iterator[StopFlag]:
    """While inside, SIGINT, SIGTERM and SIGHUP set ``flag``; a second SIGINT stops at once, without saving. SIGUSR1
    asks ``flag`` for a checkpoint. ``announce``: say so on stderr; not where a live panel shows it.

    What is ignored on entering stays so: ``nohup`` means it. The handlers before are put back on leaving. Only the
    main thread gets signals; elsewhere nothing is changed.
    """
    if threading.current_thread() is not threading.main_thread():
        yield flag
        return
    terminals = [stream for stream in (1, 2) if _is_terminal(stream)]

    def tell(text: str) -> None:
        if announce:  # one write call: printing here must not re-enter a buffered stream that it interrupted
            _write_stderr(f"\n{text}\n")

    def stop(signum: int, _: FrameType | None) -> None:
        if flag and signum == signal.SIGINT:
            signal.signal(signal.SIGINT, signal.SIG_DFL)  # a third one ends the process even inside native code
            raise KeyboardInterrupt
        if signum == signal.SIGHUP:
            _detach(terminals)
        flag.set(signum)
        name = signal.Signals(signum).name
        tell(f"{name}: stopping at the next safe point (Ctrl-C again: at once, without saving)")

    def checkpoint(signum: int, _: FrameType | None) -> None:
        flag.ask_checkpoint(signal.Signals(signum).name)
        tell("SIGUSR1: a checkpoint follows when this epoch ends")

    handlers = {**dict.fromkeys(STOPPING, stop), CHECKPOINT: checkpoint}
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        del handlers[signal.SIGHUP]
    before = {signum: signal.signal(signum, handler) for signum, handler in handlers.items()}
    try:
        yield flag
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)


def ignore_checkpoint_requests() -> None:
    """Until ``stop_on_signals`` takes over: SIGUSR1, which a scheduler may send at any time, would end the process."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(CHECKPOINT, signal.SIG_IGN)


def _is_terminal(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        return os.isatty(descriptor)
    return False


def _detach(terminals: list[int]) -> None:
    """Send what would go to a terminal that hung up nowhere: each write to it would fail, and saving comes first."""
    with contextlib.suppress(OSError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        for descriptor in terminals:
            os.dup2(nowhere, descriptor)
        os.close(nowhere)


def _write_stderr(text: str) -> None:
    with contextlib.suppress(OSError, ValueError):  # a closed stderr must not turn a request to stop into a crash
        os.write(sys.__stderr__.fileno() if sys.__stderr__ else 2, text.encode())
