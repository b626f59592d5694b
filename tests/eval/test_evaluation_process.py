"""Real processes: the scores are those of this process, and none outlives its parent."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from metta.common.errors import MettaError
from metta.eval.evaluation_process import EvaluationProcess
from metta.eval.scorecard import evaluate_policies
from metta.mettagrid.builder.envs import make_arena
from metta.sim.simulation_config import SimulationConfig

TINY = SimulationConfig(suite="arena", name="tiny", env=make_arena(2).replace({"game.max_steps": 20}), num_episodes=3)
ENDLESS = TINY.replace({"env.game.max_steps": 1_000_000, "num_episodes": 1})


def started(simulation: SimulationConfig = TINY, uri: str = "mock://random") -> EvaluationProcess:
    return EvaluationProcess((simulation,), uri, seed=7, greedy=False, device="cpu", threads=1)


def nothing() -> None:
    pass


def test_scores_are_those_of_an_evaluation_here_also_after_a_kill() -> None:
    running = started()
    killed = running.pid
    os.kill(killed, signal.SIGKILL)
    scores = running.result(nothing)  # of the second process
    assert running.pid != killed
    expected = evaluate_policies((TINY,), ("mock://random",), seed=7).scorecard.means("mock://random")
    assert scores == expected
    assert "reward" in scores["arena/tiny"]


def test_a_failure_is_told_with_its_cause(tmp_path: Path) -> None:
    running = started(uri=f"file://{tmp_path}/nothing.mpt")
    with pytest.raises(MettaError, match=r"in the background failed: .*No policy at .*nothing\.mpt"):
        running.result(nothing)


def test_waiting_can_be_given_up() -> None:
    class Stopped(Exception):  # noqa: N818
        pass

    def stop() -> None:
        raise Stopped

    running = started(ENDLESS)
    child = psutil.Process(running.pid)
    with pytest.raises(Stopped):
        running.result(stop)
    running.cancel()
    assert not child.is_running()


def test_it_dies_with_its_parent() -> None:
    code = (
        "import time\n"
        "from metta.eval.evaluation_process import EvaluationProcess\n"
        "from metta.mettagrid.builder.envs import make_arena\n"
        "from metta.sim.simulation_config import SimulationConfig\n"
        "env = make_arena(2).replace({'game.max_steps': 1_000_000})\n"
        "endless = SimulationConfig(suite='arena', name='endless', env=env, num_episodes=1)\n"
        "running = EvaluationProcess((endless,), 'mock://random', seed=7, greedy=False, device='cpu', threads=1)\n"
        "print(running.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.wait()
    parent.stdout.close()
    end = time.monotonic() + 30
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
        time.sleep(0.01)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE
