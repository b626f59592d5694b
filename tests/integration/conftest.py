"""Real training processes through the command line, on an arena small enough to be trained in seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SMALL = (
    "num_agents=2",
    "training_env.num_envs=4",
    "trainer.batch_size=256",
    "trainer.minibatch_size=128",
    "trainer.bptt_horizon=16",
    "trainer.total_timesteps=5120",
    "checkpointer.epoch_interval=3",
    "evaluator.epoch_interval=0",
    "system.torch_threads=1",
)
"""20 epochs, a policy and a state every third."""
SMALL_POLICY = ("policy_architecture=bag_lstm", "policy_architecture.bag_width=8", "policy_architecture.lstm_size=8")


class TrainProcess:
    """``train <recipe> run=<run>`` as a child process, its output in files."""

    def __init__(
        self,
        data_dir: Path,
        run: str,
        *overrides: str,
        prefix: tuple[str, ...] = (),
        policy: tuple[str, ...] = SMALL_POLICY,
        recipe: str = "arena",
        sizes: tuple[str, ...] = SMALL,
    ) -> None:
        self.root = data_dir / run
        command = [
            sys.executable,
            "-m",
            "metta.cli.main",
            "train",
            recipe,
            f"run={run}",
            f"system.data_dir={data_dir}",
        ]
        data_dir.mkdir(parents=True, exist_ok=True)
        self._output = data_dir / f"{run}.output"
        environment = {**os.environ, "NO_COLOR": "1", "PYTHONWARNINGS": "default"}
        with self._output.open("ab") as file:
            self.child = subprocess.Popen(
                [*prefix, *command, *sizes, *policy, *overrides], stdout=file, stderr=subprocess.STDOUT, env=environment
            )

    @property
    def output(self) -> str:
        return self._output.read_text()

    @property
    def rows(self) -> int:
        path = self.root / "metrics.jsonl"
        return path.read_bytes().count(b"\n") if path.exists() else 0

    def wait_until(self, condition: Callable[[], bool], timeout: float = 240.0) -> None:
        """Poll every millisecond; fails when the process ends before."""
        end = time.monotonic() + timeout
        while not condition():
            assert self.child.poll() is None, f"ended too early:\n{self.output}"
            assert time.monotonic() < end, f"waited {timeout} s in vain:\n{self.output}"
            time.sleep(0.001)

    def finish(self, timeout: float = 240.0) -> int:
        return self.child.wait(timeout)

    def kill(self) -> None:
        self.child.send_signal(signal.SIGKILL)
        assert self.child.wait(30) == -signal.SIGKILL


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run directory of a training run named ``demo`` that nobody disturbed."""
    process = TrainProcess(tmp_path_factory.mktemp("undisturbed"), "demo")
    assert process.finish() == 0, process.output
    return process.root


Start = Callable[..., TrainProcess]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """``start("key=value", ...)`` starts the run ``demo`` of this test, again and again; nothing outlives the test."""
    started: list[TrainProcess] = []

    def begin(*overrides: str, **more: Any) -> TrainProcess:
        started.append(TrainProcess(tmp_path, "demo", *overrides, **more))
        return started[-1]

    yield begin
    for process in started:
        if process.child.poll() is None:
            process.child.kill()
            process.child.wait()


@pytest.fixture
def assert_same_run() -> Callable[[Path, Path], None]:
    def check(root: Path, undisturbed: Path) -> None:
        """Weights and statistics are equal byte for byte."""
        names = sorted(path.name for path in undisturbed.glob("checkpoints/*.mpt"))
        assert names == sorted(path.name for path in root.glob("checkpoints/*.mpt"))
        for name in names:
            assert (root / "checkpoints" / name).read_bytes() == (undisturbed / "checkpoints" / name).read_bytes(), name
        assert (root / "metrics.jsonl").read_bytes() == (undisturbed / "metrics.jsonl").read_bytes()
        timing = (root / "timing.jsonl").read_bytes()
        assert timing.count(b"\n") == (undisturbed / "timing.jsonl").read_bytes().count(b"\n")
        assert not list(root.rglob(".partial-*"))

    return check
