"""V-trace and GRPO reach the goal of the corridor, each on its own."""

from __future__ import annotations

from typing import Any

import pytest

from metta.agent.policy_config import MlpConfig
from tests.rl.loss.samples import ONLY, MakeTrainer


@pytest.mark.parametrize("losses", [{"vtrace": {}}, {"grpo": {}}], ids=["vtrace", "grpo"])
def test_the_corridor_is_learned(make_trainer: MakeTrainer, losses: dict[str, Any]) -> None:
    """From a random cell the goal is 2.5 steps away on average; at first less than 0.7 is earned."""
    sizes = {"batch_size": 256, "minibatch_size": 64, "bptt_horizon": 16, "total_timesteps": 20_000}
    trainer = make_trainer({**ONLY, **losses}, MlpConfig(hidden_sizes=(16,)), **sizes, gamma=0.9)
    rewards: list[float] = []
    while not trainer.finished:
        rewards += [float(record.rewards.mean()) for record in trainer.train_epoch().rollout.records]
    assert sum(rewards[:20]) / 20 < 0.7
    assert sum(rewards[-50:]) / 50 > 0.9
