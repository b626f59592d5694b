"""What losses are tested in: a policy with memory, and trainings in the corridor."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.policies import mock
from metta.agent.policies.mock import NoopPolicy
from metta.agent.policy import build_policy
from metta.agent.policy_config import LstmConfig
from metta.checkpoint.manager import CheckpointManager
from metta.common.env_spec import EnvSpec
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


class Always(NoopPolicy):
    """A scripted teacher that takes one action; counts its calls and how often it was made to forget."""

    def __init__(self, spec: EnvSpec, action: int) -> None:
        self.spec, self.device, self.noop = spec, torch.device("cpu"), action
        self.calls = self.forgotten = 0

    def act(self, td: Any, **settings: Any) -> Any:
        self.calls += 1
        return super().act(td, **settings)

    def init_memory(self, num_rows: int) -> None:
        self.forgotten += 1


@pytest.fixture
def teacher_uris(tmp_path: Path, corridor: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """URIs of two recurrent policies with their first weights; scripted ones are mock://left, right and stay."""
    spec = corridor(4).spec
    for action, name in enumerate(spec.action_names):
        monkeypatch.setitem(mock.MOCK_POLICIES, name, lambda spec, device, action=action: Always(spec, action))
    config = LstmConfig(hidden_sizes=(8,), lstm_size=8)
    one, two = (
        CheckpointManager(RunDir.at(tmp_path, f"teacher{seed}").create()).save_policy(
            build_policy(config, spec, seed=seed), epoch=1, agent_step=0
        )
        for seed in (5, 6)
    )
    return one, two
