"""Key sequences, and terminals that are left as they were found."""

from __future__ import annotations

import os
import pty
import signal
import sys
import termios
import textwrap

import pexpect
import pytest
from hypothesis import given
from hypothesis import strategies as st

from metta.common.errors import ConfigError
from metta.sim.terminal.keys import KeyParser, KeyTerminal


@pytest.mark.parametrize(
    ("data", "keys"),
    [
        (b"a", ["a"]),
        (b"\x1b[A\x1b[B\x1b[C\x1b[D", ["up", "down", "right", "left"]),
        (b"\x1bOA", ["up"]),  # application cursor mode
        (b"\x1b[1;2A", ["up"]),  # with shift
        (b"\x1b[5~\x1b[6~", ["page_up", "page_down"]),
        (b" \t\r\x7f", ["space", "tab", "enter", "backspace"]),
        (b"\x1bq", ["escape", "q"]),
        (b"\x1b[200~", []),  # a sequence that we do not know is no key
    ],
)
def test_sequences_have_names(data: bytes, keys: list[str]) -> None:
    assert KeyParser().feed(data) == keys


@given(st.lists(st.sampled_from([b"\x1b[A", b"\x1bOD", b"q", b" ", b"\x1b[6~"]), max_size=8), st.data())
def test_pieces_give_the_same_keys(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    parser = KeyParser()
    assert parser.feed(whole[:cut]) + parser.feed(whole[cut:]) == KeyParser().feed(whole)


def test_a_lone_escape_is_a_key_when_nothing_follows() -> None:
    parser = KeyParser()
    assert parser.feed(b"\x1b") == []
    assert parser.waiting
    assert parser.flush() == ["escape"]
    assert not parser.waiting


def read_some_keys_and_fail(leader: int, follower: int) -> None:
    with KeyTerminal(follower) as terminal:
        assert not termios.tcgetattr(follower)[3] & (termios.ECHO | termios.ICANON)
        os.write(leader, b"x\x1b[A\x1b")
        assert [terminal.read(1.0) for _ in range(3)] == ["x", "up", "escape"]
        assert terminal.read(0.0) is None
        raise RuntimeError("boom")


def test_keys_are_read_and_the_terminal_is_restored() -> None:
    leader, follower = pty.openpty()
    try:
        before = termios.tcgetattr(follower)
        with pytest.raises(RuntimeError, match="boom"):
            read_some_keys_and_fail(leader, follower)
        assert termios.tcgetattr(follower) == before
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        os.close(leader)
        os.close(follower)


def test_a_pipe_is_refused() -> None:
    reading, writing = os.pipe()
    try:
        with pytest.raises(ConfigError, match="no terminal"), KeyTerminal(reading):
            pass
    finally:
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_restores_the_terminal(signum: signal.Signals) -> None:
    script = textwrap.dedent(
        """
        import sys
        from metta.common.errors import InterruptedBySignal
        from metta.sim.terminal.keys import KeyTerminal
        try:
            with KeyTerminal() as terminal:
                print("ready", flush=True)
                terminal.read(None)
        except InterruptedBySignal as error:
            sys.exit(error.exit_code)
        """
    )
    child = pexpect.spawn(sys.executable, ["-c", script], timeout=20)
    before = termios.tcgetattr(child.child_fd)
    child.expect("ready")
    child.kill(signum)
    child.expect(pexpect.EOF)
    after = termios.tcgetattr(child.child_fd)
    child.close()
    assert after == before
    assert child.exitstatus == 128 + signum
