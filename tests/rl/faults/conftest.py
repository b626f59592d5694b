"""A training in this process with everything that writes: policies, states, rows. Faults are put into its parts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.config import CheckpointerConfig
from metta.checkpoint.manager import CheckpointManager
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.run_dir import RunDir
from metta.rl.hooks.base import TrainerHook
from metta.rl.hooks.checkpoint import CheckpointHook
from metta.rl.hooks.metrics import MetricsHook
from metta.rl.signals import StopFlag
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig
from metta.tracking.console import make_console_logger
from metta.tracking.jsonl import JsonlLogger


@dataclass
class Training:
    """One training and what it is made of; ``start`` makes the next one of the same run, as its command would."""

    root: Path
    env: Any
    config: TrainerConfig
    interval: int = 1
    stop: StopFlag = field(default_factory=StopFlag)
    hooks: tuple[TrainerHook, ...] = ()

    def __post_init__(self) -> None:
        self.run_dir = RunDir.at(self.root, "demo").create()
        self.store = TrainerStateStore(self.run_dir)
        self.manager = CheckpointManager(self.run_dir)
        policy = build_policy(MlpConfig(hidden_sizes=(8,)), self.env.spec, seed=3)
        self.trainer = Trainer(
            self.config,
            self.env,
            policy,
            self.run_dir,
            [
                CheckpointHook(self.manager, CheckpointerConfig(epoch_interval=self.interval, keep_last=100)),
                *self.hooks,
                MetricsHook(
                    JsonlLogger(self.run_dir.metrics_path, self.interval),
                    JsonlLogger(self.run_dir.timing_path, self.interval),
                    make_console_logger("demo", self.config.total_timesteps),
                ),
            ],
            seed=3,
            state_store=self.store,
            commit_interval=self.interval,
            stop=self.stop,
        )
        self.store.remove_unfinished()
        if (snapshot := self.store.load_newest()) is not None:
            self.trainer.load_state(snapshot)

    def results(self) -> dict[str, bytes]:
        """What two equal trainings have in common: the last policy and the rows."""
        last = self.run_dir.checkpoints / f"demo:v{self.trainer.state.epoch}.mpt"
        return {"policy": last.read_bytes(), "rows": self.run_dir.metrics_path.read_bytes()}


Start = Callable[..., Training]


@pytest.fixture
def start(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Start:
    """``start(name, changes, **more)``: four epochs, a policy and a state after each one."""

    def start(name: str = "run", changes: dict[str, Any] | None = None, **more: Any) -> Training:
        root = Path(more.pop("root", tmp_path / name))
        return Training(root, more.pop("env", None) or corridor(4), small.replace(changes or {}), **more)

    return start


@pytest.fixture
def undisturbed(start: Start) -> dict[str, bytes]:
    training = start("undisturbed")
    training.trainer.train()
    return training.results()


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    return caplog
