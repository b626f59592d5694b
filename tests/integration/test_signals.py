"""SIGTERM, SIGINT and SIGHUP stop a run at once and without loss, SIGUSR1 saves it; a run has one owner."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stopped_run_says_how_to_go_on_and_does(
    signum: signal.Signals,
    code: int,
    start: Callable[..., Any],
    undisturbed: Path,
    assert_same_run: Callable[[Path, Path], None],
) -> None:
    process = start()
    process.wait_until(lambda: process.rows >= 4)
    began = time.monotonic()
    process.child.send_signal(signum)
    assert process.finish() == code, process.output
    assert (
        time.monotonic() - began < 30
    )  # seconds of a busy machine; the exit code says that it was not simply finished
    assert f"run=demo by {signum.name} at epoch" in process.output
    assert "the same command with run=demo goes on from there" in process.output
    assert "Traceback" not in process.output
    stopped_at = process.rows
    states = [int(path.name[1:]) for path in (process.root / "trainer_state").glob("v*")]
    assert max(states) == stopped_at  # the start of the cut epoch, not the last regular save
    again = start()
    assert again.finish() == 0, again.output
    assert f"resuming run=demo from epoch {stopped_at}," in (again.root / "run.log").read_text()
    assert_same_run(again.root, undisturbed)


def test_a_run_has_one_owner(start: Callable[..., Any]) -> None:
    first = start()
    first.wait_until(lambda: first.rows >= 1)
    second = start()
    assert second.finish() == 3
    owner = json.loads((first.root / "run.lock").read_text())
    assert owner["pid"] == first.child.pid
    assert f"run=demo is owned by another live process: pid {owner['pid']} on host {owner['host']}" in second.output
    assert first.finish() == 0, first.output


def test_signals_before_the_first_epoch_are_heard(start: Callable[..., Any]) -> None:
    """SIGUSR1 is harmless as soon as the run is owned, and heard later; SIGHUP stops like SIGTERM."""
    process = start("trainer.total_timesteps=100_000_000", "checkpointer.epoch_interval=1000000")
    process.wait_until((process.root / "run.lock").exists)
    process.child.send_signal(signal.SIGUSR1)
    process.wait_until((process.root / "machine.json").exists)
    process.child.send_signal(signal.SIGUSR1)
    process.wait_until(lambda: "SIGUSR1: saved file://" in (process.root / "run.log").read_text())
    assert list(process.root.glob("checkpoints/demo:v*.mpt"))
    process.child.send_signal(signal.SIGHUP)
    assert process.finish() == 129, process.output
    assert "Stopped: run=demo by SIGHUP" in process.output
    assert "Traceback" not in process.output
