"""What losses are tested in: a policy with memory, and trainings in the corridor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import LstmConfig
from metta.common.run_dir import RunDir
from metta.rl.loss.base import LossSetting
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig
from tests.rl.loss.samples import MakeTrainer


@pytest.fixture
def setting(corridor: Callable[..., Any], small: TrainerConfig) -> LossSetting:
    """For losses of an LSTM policy in four corridors of one agent each."""
    env = corridor(4)
    policy = build_policy(LstmConfig(hidden_sizes=(8,), lstm_size=8), env.spec, seed=1)
    return LossSetting(policy, small, env.num_rows, torch.device("cpu"), seed=3, name="probe")


@pytest.fixture
def make_trainer(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> MakeTrainer:
    """Makes trainers with other losses: ``make_trainer(losses, policy=..., **changes of the config)``."""

    def make(losses: Mapping[str, Any], policy: Any = None, **changes: Any) -> Trainer:
        config = small.replace({"losses": {**losses}, **changes})
        env = corridor(4, seed=5)
        preset = LstmConfig(hidden_sizes=(8,), lstm_size=8) if policy is None else policy
        built = build_policy(preset, env.spec, seed=1)
        return Trainer(config, env, built, RunDir.at(tmp_path, "losses"), seed=2)

    return make
