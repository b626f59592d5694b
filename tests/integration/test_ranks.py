"""Trainings of two ranks through the command line: killed ranks, signals, torchrun."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

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
