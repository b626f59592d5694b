from __future__ import annotations

import os
import signal
import threading

import pytest

from metta.rl.signals import StopFlag, stop_on_signals


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_only_sets_the_flag_and_says_so(signum: signal.Signals, capfd: pytest.CaptureFixture[str]) -> None:
    flag = StopFlag()
    assert not flag
    with stop_on_signals(flag):
        os.kill(os.getpid(), signum)
        assert flag.signum == signum
    assert f"{signum.name}: stopping at the next safe point" in capfd.readouterr().err


def test_a_live_panel_says_it_itself(capfd: pytest.CaptureFixture[str]) -> None:
    flag = StopFlag()
    with stop_on_signals(flag, announce=False):
        os.kill(os.getpid(), signal.SIGTERM)
    assert flag
    assert capfd.readouterr().err == ""


def test_a_second_sigint_stops_at_once_and_handlers_are_put_back() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    flag = StopFlag()
    flag.set(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), stop_on_signals(flag, announce=False):
        os.kill(os.getpid(), signal.SIGINT)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_second_sigterm_is_no_more_urgent_than_the_first() -> None:
    flag = StopFlag()
    with stop_on_signals(flag, announce=False):
        os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
    assert flag.signum == signal.SIGTERM


def test_other_threads_change_nothing() -> None:
    before = signal.getsignal(signal.SIGTERM)
    seen: list[object] = []

    def enter() -> None:
        with stop_on_signals(StopFlag()):
            seen.append(signal.getsignal(signal.SIGTERM))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]
