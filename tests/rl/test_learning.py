"""The trainer learns a task that has nothing to do with our own game."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.run_dir import RunDir
from metta.envs.gym_env import GymVecEnv
from metta.envs.gym_env_config import GymEnvConfig
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

BUDGET = 50_000
"""A tenth of what the recipe `gym` takes to solve the task."""


@pytest.mark.slow
def test_cartpole_gets_better_fast(tmp_path: Path) -> None:
    """Random play balances for about 22 steps; after 50,000 steps the last episodes last 5 times as long."""
    seed = 1
    env = GymVecEnv(GymEnvConfig(env_id="CartPole-v1", num_envs=8), seed=seed)
    sizes = {"total_timesteps": BUDGET, "batch_size": 1024, "minibatch_size": 256, "bptt_horizon": 16}
    config = TrainerConfig().replace({**sizes, "update_epochs": 4, "optimizer.learning_rate": 1e-3, "gamma": 0.99})
    policy = build_policy(MlpConfig(), env.spec, seed=seed)
    trainer = Trainer(config, env, policy, RunDir.at(tmp_path, "cartpole"), seed=seed)
    lengths: list[int] = []
    while not trainer.finished:
        lengths += [record.length for record in trainer.train_epoch().rollout.records]
    env.close()
    assert sum(lengths[:50]) / 50 < 40
    assert sum(lengths[-50:]) / 50 > 120
