"""Trainings of two ranks through the command line: killed ranks, signals, torchrun."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.integration.conftest import TrainProcess

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[..., TrainProcess]


def test_two_deaths_of_ranks_are_survived_to_the_same_bytes() -> None:
    """The share of ``benchmarks/trials/rank_death.py`` that each check runs."""
    trial = [sys.executable, str(ROOT / "benchmarks" / "trials" / "rank_death.py")]
    done = subprocess.run(
        [*trial, "--kills", "2", "--per-run", "2", "--epochs", "60", "--seed", "3"],
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert (told["kills"], told["survived"], told["faults"]) == (2, 2, [])


def test_what_torchrun_began_system_nproc_goes_on_with(start: Start) -> None:
    torchrun = (sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "--no-python")
    process = start("trainer.total_timesteps=1_000_000", prefix=torchrun)
    process.wait_until(lambda: process.rows >= 4)
    process.child.send_signal(signal.SIGTERM)
    process.finish()
    assert "its state is saved" in process.output, process.output
    rows = process.rows
    again = start("trainer.total_timesteps=1_000_000", "system.nproc=2")
    again.wait_until(lambda: again.rows >= rows + 2)
    again.child.send_signal(signal.SIGINT)
    assert again.finish() == 130, again.output
    assert "Resuming run=demo from epoch" in again.output
    assert "on each of 2 ranks" in again.output
    assert "begins new episodes" not in again.output  # as many ranks: nothing begins anew


def rank_pids(launcher: int) -> dict[int, int]:
    """Processes by rank, among the children of ``launcher``."""
    found: dict[int, int] = {}
    for task in Path(f"/proc/{launcher}/task").iterdir():
        for child in map(int, (task / "children").read_text().split()):
            entries = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            found |= {int(entry[5:]): child for entry in entries if entry.startswith(b"RANK=")}
    return found


@pytest.mark.timeout(900)
def test_a_slow_rank_is_waited_for_a_hung_one_is_replaced(start: Start) -> None:
    """Rank 0, that is, which also holds the store that the ranks share."""
    process = start("trainer.total_timesteps=1_000_000", "system.nproc=2", "system.rank_patience=10")
    process.wait_until(lambda: process.rows >= 4)
    pid = rank_pids(process.child.pid)[0]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(2)
    os.kill(pid, signal.SIGCONT)
    rows = process.rows
    process.wait_until(lambda: process.rows >= rows + 2)
    assert rank_pids(process.child.pid)[0] == pid
    os.kill(pid, signal.SIGSTOP)
    process.wait_until(lambda: "all 2 ranks start again from the newest saved state" in process.output)
    assert "rank 1 leaves: rank 0 has given no sign of life for 10 s (system.rank_patience)" in process.output
    rows = process.rows
    process.wait_until(lambda: process.rows >= rows + 2)
    assert rank_pids(process.child.pid)[0] != pid
