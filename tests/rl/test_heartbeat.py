"""metta/rl/heartbeat.py: a rank without a sign of life is given up, a busy one is not; no rank outlives its parent."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from metta.rl import heartbeat
from metta.rl.distributed import Ranks
from metta.rl.heartbeat import Heartbeat, Ring
from metta.rl.world import RankLostError
from tests.rl.ranks import run_ranks

Rings = tuple[Ring, Ring]


@pytest.fixture
def rings() -> Iterator[Rings]:
    """Of two ranks, in this process."""
    pairs = [socket.socketpair(), socket.socketpair()]
    yield Ring(pairs[1][1], pairs[0][0]), Ring(pairs[0][1], pairs[1][0])
    for one, other in pairs:
        one.close()
        other.close()


@contextmanager
def beating(ring: Ring, rank: int, left: threading.Event, patience: float = 0.4) -> Iterator[Heartbeat]:
    beat = Heartbeat(rank, 2, ring, interval=0.02, patience=patience, leave=left.set)
    beat.start()
    yield beat
    beat.stop()
    assert not beat.is_alive()


def test_a_silent_neighbour_is_given_up_a_beating_one_is_not(rings: Rings, monkeypatch: pytest.MonkeyPatch) -> None:
    left = [threading.Event(), threading.Event()]
    with beating(rings[0], 0, left[0], patience=1.0), beating(rings[1], 1, left[1], patience=1.0):
        time.sleep(1.5)
        assert not left[0].is_set()
        monkeypatch.setattr(rings[1], "say", lambda sign: None)  # it hangs
        assert left[0].wait(20)
        assert not left[1].is_set()


def test_one_that_said_goodbye_may_be_silent(rings: Rings) -> None:
    left = [threading.Event(), threading.Event()]
    with beating(rings[0], 0, left[0]), beating(rings[1], 1, left[1], patience=60) as second:
        second.stop()
        time.sleep(1.0)
        assert not left[0].is_set()


def test_a_neighbour_that_died_is_a_silent_one(rings: Rings) -> None:
    left = threading.Event()
    rings[1].close()  # as the kernel does for a killed process
    with beating(rings[0], 0, left):
        assert left.wait(10)


def test_ranks_find_their_neighbours_and_take_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    stranger: list[int] = []

    def listen(*, everywhere: bool) -> tuple[socket.socket, tuple[str, int]]:
        listener, address = own(everywhere=everywhere)
        with socket.create_connection(address) as caller:  # is in the queue before any rank
            caller.sendall(b"x" * 32)
            stranger.append(address[1])
        return listener, address

    own = heartbeat._listen
    monkeypatch.setattr(heartbeat, "_listen", listen)

    def work(world: Ranks) -> Any:
        world.barrier("all have begun")
        ring = world._heartbeat.ring
        return len(stranger), ring.left.getpeername()[1], ring.right.getsockname()[1]

    ranks = run_ranks(work, size=3)
    assert [strangers for strangers, _, _ in ranks] == [1, 1, 1]
    assert [heard for _, heard, _ in ranks] == [ranks[2][2], ranks[0][2], ranks[1][2]]


@pytest.mark.parametrize(("everywhere", "host"), [(False, "127.0.0.1"), (True, "localhost")])
def test_over_several_machines_rank_0_is_called_by_its_name(
    monkeypatch: pytest.MonkeyPatch, everywhere: bool, host: str
) -> None:
    """The head node may know its own name as 127.0.1.1, which nobody else can call."""
    monkeypatch.setenv("MASTER_ADDR", "127.0.0.1" if not everywhere else "localhost")
    monkeypatch.setenv("MASTER_PORT", "29500")
    listener, (name, port) = heartbeat._listen(everywhere=everywhere)
    with listener, socket.create_connection((name, port), 10):
        assert name == host


def test_a_master_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MASTER_ADDR", "no-such-host.invalid")
    monkeypatch.setenv("MASTER_PORT", "29500")
    with pytest.raises(RankLostError, match=r"no way to rank 0 at no-such-host.invalid \(MASTER_ADDR\)"):
        heartbeat._listen(everywhere=False)


def test_the_interpreter_ends_while_hearts_beat() -> None:
    """A thread that is inside of C++ then takes the process down; ours never is, stopped or not."""
    code = (
        "import socket, sys, time; from metta.rl.heartbeat import *\n"
        "for _ in range(20):\n"
        "    a, b = socket.socketpair(); Heartbeat(0, 2, Ring(a, b), interval=1e-5, patience=60).start()\n"
        "time.sleep(0.05)"
    )
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=240, check=False)
        assert (done.returncode, done.stderr) == (0, "")


def test_a_rank_stops_when_its_parent_is_gone(rings: Rings, monkeypatch: pytest.MonkeyPatch) -> None:
    left, sent = threading.Event(), list[int]()
    monkeypatch.setenv(heartbeat.LAUNCHER_PID, "1")  # not the parent of this process
    monkeypatch.setattr(heartbeat, "GRACE", 0.1)
    monkeypatch.setattr(heartbeat.os, "kill", lambda pid, number: sent.append(number))
    with beating(rings[0], 0, left, patience=60):
        assert left.wait(5)
    assert sent == [signal.SIGTERM]  # first asked to save, then left for good
