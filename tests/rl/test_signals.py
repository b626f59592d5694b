from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading

import pytest

from metta.rl.signals import StopFlag, ignore_checkpoint_requests, stop_on_signals


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
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


def test_sigusr1_asks_for_a_checkpoint_once_and_stops_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    flag = StopFlag()
    with stop_on_signals(flag):
        os.kill(os.getpid(), signal.SIGUSR1)
    assert not flag
    assert "SIGUSR1: a checkpoint follows" in capfd.readouterr().err
    assert (flag.take_checkpoint_request(), flag.take_checkpoint_request()) == ("SIGUSR1", "")


def test_before_training_listens_sigusr1_ends_nothing() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    try:
        ignore_checkpoint_requests()
        os.kill(os.getpid(), signal.SIGUSR1)
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_nohup_is_respected() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    flag = StopFlag()
    try:
        with stop_on_signals(flag):
            os.kill(os.getpid(), signal.SIGHUP)
        assert not flag
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_terminal_that_hung_up_is_not_written_to() -> None:
    """A child whose terminal goes away: its writes would fail, so its output is sent nowhere, and it can save."""
    main, terminal = pty.openpty()
    code = (
        "import os, sys; from metta.rl.signals import StopFlag, stop_on_signals; flag = StopFlag()\n"
        "with stop_on_signals(flag):\n"
        "    print('ready', flush=True)\n"
        "    while not flag: pass\n"
        "    print('more', flush=True); sys.stderr.write('more'); sys.stderr.flush(); os._exit(7)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code], stdout=terminal, stderr=terminal)
    os.close(terminal)
    assert os.read(main, 100).startswith(b"ready")
    os.close(main)  # what follows would be EIO
    child.send_signal(signal.SIGHUP)
    assert child.wait(10) == 7


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
