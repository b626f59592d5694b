"""A training that is killed at single write calls of its saves, and the order of those calls."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

TRIAL = Path(__file__).resolve().parents[2] / "benchmarks" / "trials" / "save_steps.py"


@pytest.mark.timeout(600)
def test_deaths_at_write_calls_cost_nothing_and_the_calls_stand_a_power_cut() -> None:
    """The share of the trial that each check runs: every 40th call. The order is looked at for all of them."""
    done = subprocess.run(
        [sys.executable, str(TRIAL), "--first", "20", "--every", "40"],
        capture_output=True,
        text=True,
        timeout=560,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["kills"] >= 5
    assert told["calls"] > 200
    assert (told["faults"], told["order_faults"]) == ([], [])
