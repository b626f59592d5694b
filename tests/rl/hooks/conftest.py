"""A real trainer on the corridor of ``tests/rl/conftest.py``, with the hooks that a test wants."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.run_dir import RunDir
from metta.rl.hooks.base import TrainerHook
from metta.rl.signals import StopFlag
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

MakeTrainer = Callable[..., Trainer]


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.at(tmp_path, "demo").create()


@pytest.fixture
def make_trainer(corridor: Callable[..., Any], small: TrainerConfig, run_dir: RunDir) -> MakeTrainer:
    """``make_trainer(hooks, epochs=4)``: epochs of 64 agent-steps, from the run's saved state on."""

    def make(hooks: Sequence[TrainerHook], epochs: int = 4, stop: StopFlag | None = None) -> Trainer:
        env = corridor(4)
        trainer = Trainer(
            small.replace({"total_timesteps": 64 * epochs, "optimizer.schedule": "constant"}),
            env,
            build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=0),
            run_dir,
            hooks,
            state_store=TrainerStateStore(run_dir),
            stop=stop,
        )
        assert trainer.state_store is not None
        if (snapshot := trainer.state_store.load_newest()) is not None:
            trainer.load_state(snapshot)
        return trainer

    return make
