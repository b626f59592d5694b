"""metta/rl/heartbeat.py: a rank without a sign of life is given up, a busy one is not; no rank outlives its parent."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from metta.rl import heartbeat
from metta.rl.heartbeat import Heartbeat, TCPStore


@pytest.fixture
def store() -> TCPStore:
    return TCPStore("127.0.0.1", 0, is_master=True, wait_for_workers=False, timeout=timedelta(seconds=5))


@contextmanager
def beating(store: TCPStore, rank: int, left: threading.Event, patience: float = 0.4) -> Iterator[Heartbeat]:
    beat = Heartbeat(rank, 2, interval=0.02, patience=patience, store=lambda: store, leave=left.set)
    beat.start()
    yield beat
    beat.stop()
    beat.join(5)


def test_a_silent_neighbour_is_given_up_a_beating_one_is_not(store: TCPStore, caplog: pytest.LogCaptureFixture) -> None:
    left = [threading.Event(), threading.Event()]
    with beating(store, 0, left[0]), beating(store, 1, left[1]) as second:
        time.sleep(0.8)
        assert not left[0].is_set()
        assert not left[1].is_set()
        second.stop()
        assert left[0].wait(5)
        assert not left[1].is_set()  # the one that stopped on purpose stays calm


def test_a_store_that_is_gone_is_a_silent_neighbour() -> None:
    left = threading.Event()

    def gone() -> TCPStore:
        raise RuntimeError("connection refused")

    beat = Heartbeat(0, 2, interval=0.02, patience=0.2, store=gone, leave=left.set)
    beat.start()
    assert left.wait(5)
    beat.stop()


def test_a_rank_stops_when_its_parent_is_gone(store: TCPStore, monkeypatch: pytest.MonkeyPatch) -> None:
    left, sent = threading.Event(), list[int]()
    monkeypatch.setenv(heartbeat.LAUNCHER_PID, "1")  # not the parent of this process
    monkeypatch.setattr(heartbeat, "GRACE", 0.1)
    monkeypatch.setattr(heartbeat.os, "kill", lambda pid, number: sent.append(number))
    with beating(store, 0, left, patience=60):
        assert left.wait(5)
    assert sent == [signal.SIGTERM]  # first asked to save, then left for good
