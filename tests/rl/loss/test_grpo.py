"""Group-relative advantages against plain Python, who is compared with whom, and gradients."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.errors import ConfigError
from metta.rl.loss.base import LossSetting
from metta.rl.loss.grpo import GRPOLoss
from metta.rl.loss.grpo_config import GRPOConfig
from metta.rl.trainer_config import TrainerConfig
from tests.rl.loss.samples import ONLY, MakeTrainer, Tensors, check_training, grad_of, random_batch

LOSSES = {**ONLY, "grpo": {}}


def team_setting(setting: LossSetting, environments: int, agents: int) -> LossSetting:
    """As ``setting``, for environments of several agents."""
    spec = setting.policy.spec.replace({"num_agents": agents})
    policy = build_policy(MlpConfig(hidden_sizes=(4,)), spec, seed=0)
    return replace(setting, policy=policy, num_rows=environments * agents, name="grpo")


def advantages_by_loops(
    groups: list[list[int]], batch: Tensors, gamma: float, scale: bool
) -> tuple[Tensor, list[list[float]]]:
    rows, steps = batch["rewards"].shape
    returns = [[0.0] * steps for _ in range(rows)]
    for row in range(rows):
        for t in range(steps):
            for k in range(t, steps):
                returns[row][t] += gamma ** (k - t) * float(batch["rewards"][row, k])
                if batch["terminated"][row, k] or batch["truncated"][row, k]:
                    break
    found = torch.zeros(rows, steps)
    for group in groups:
        squares, count = 0.0, 0
        for t in range(steps):
            there = [row for row in group if batch["valid"][row, t]]
            for row in there if len(there) > 1 else ():
                found[row, t] = returns[row][t] - sum(returns[other][t] for other in there) / len(there)
                squares += float(found[row, t]) ** 2
            count += len(there)
        if scale:
            for row in group:
                found[row] /= math.sqrt(squares / count) + 1e-6
    return found, returns


@pytest.mark.parametrize(
    ("group_environments", "same_agent", "groups"),
    [
        (0, False, [[*range(8)]]),
        (1, False, [[0, 1], [2, 3], [4, 5], [6, 7]]),
        (2, False, [[0, 1, 2, 3], [4, 5, 6, 7]]),
        (0, True, [[0, 2, 4, 6], [1, 3, 5, 7]]),
        (2, True, [[0, 2], [1, 3], [4, 6], [5, 7]]),
    ],
)
@pytest.mark.parametrize("scale", [True, False])
def test_advantages_equal_the_loops(
    setting: LossSetting, group_environments: int, same_agent: bool, groups: list[list[int]], scale: bool
) -> None:
    cfg = GRPOConfig(group_environments=group_environments, same_agent=same_agent, scale=scale)
    loss = GRPOLoss(cfg, team_setting(setting, environments=4, agents=2))
    batch, _ = random_batch(3, segments=8, horizon=7)
    expected, _ = advantages_by_loops(groups, batch, setting.config.gamma, scale)
    found, deviation = loss.advantages(batch["rewards"], batch["terminated"] | batch["truncated"], batch["valid"])
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)
    assert deviation > 0


def test_by_hand(setting: LossSetting) -> None:
    """Two rows, two steps, gamma 0.98: row 0 earns 1 at the second step, row 1 nothing; then row 1 is away."""
    loss = GRPOLoss(GRPOConfig(scale=False), team_setting(setting, environments=2, agents=1))
    rewards = torch.tensor([[0.0, 1.0], [0.0, 0.0]])
    no = torch.zeros(2, 2, dtype=torch.bool)
    assert loss.advantages(rewards, no, ~no)[0].tolist() == [[pytest.approx(0.49), 0.5], [pytest.approx(-0.49), -0.5]]
    away = torch.tensor([[True, True], [True, False]])
    assert loss.advantages(rewards, no, away)[0].tolist() == [[pytest.approx(0.49), 0.0], [pytest.approx(-0.49), 0.0]]
    ended = torch.tensor([[True, False], [False, False]])
    assert loss.advantages(rewards, ended, ~no)[0][0].tolist() == [0.0, 0.5]


def test_loss_equals_the_formula_and_its_gradient_reaches_two_outputs(setting: LossSetting) -> None:
    cfg = GRPOConfig(clip_coef=0.15, ent_coef=0.3, kl_coef=0.4)
    loss = GRPOLoss(cfg, setting)
    batch, output = random_batch(1)
    batch["probe_advantages"] = batch["advantages"]
    losses: list[float] = []
    for s, t in batch["valid"].nonzero().tolist():
        change = (output["act_log_prob"][s, t] - batch["act_log_prob"][s, t]).item()
        ratio, advantage = math.exp(change), float(batch["advantages"][s, t])
        surrogate = min(ratio * advantage, min(max(ratio, 0.85), 1.15) * advantage)
        losses.append(-surrogate + 0.4 * (math.exp(-change) - 1 + change) - 0.3 * output["entropy"][s, t].item())
    result = loss(batch, output)
    assert result.loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-4)
    result.loss.backward()
    for key in ("act_log_prob", "entropy"):
        assert (grad_of(output[key])[~batch["valid"]] == 0).all()
        assert (grad_of(output[key])[batch["valid"]] != 0).any()
    assert output["values"].grad is None


@pytest.mark.parametrize(
    ("environments", "agents", "cfg", "told"),
    [
        (4, 1, {"group_environments": 3}, r"grpo\.group_environments=3 does not divide 4 environments"),
        (4, 1, {"group_environments": 1}, "groups of one row"),
        (4, 2, {"group_environments": 1, "same_agent": True}, "groups of one row"),
        (1, 1, {}, "groups of one row"),
    ],
)
def test_groups_that_cannot_be_made_are_refused(
    setting: LossSetting, environments: int, agents: int, cfg: dict[str, Any], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        GRPOLoss(GRPOConfig(**cfg), team_setting(setting, environments, agents))


def test_beside_ppo_actor_it_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"training of the actor.*trainer\.losses\.ppo_actor\.enabled=false"):
        TrainerConfig().replace({"losses.grpo": {}})
    assert set(TrainerConfig().replace({"losses.grpo": {}, "losses.ppo_actor.enabled": False}).losses) > {"ppo_critic"}


def test_it_trains_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    metrics = check_training(make_trainer, LOSSES)
    assert metrics[-1]["losses/deviation"] > 0


def test_two_instances_have_a_column_each(make_trainer: MakeTrainer) -> None:
    trainer = make_trainer({**LOSSES, "teams": {"type": "grpo", "group_environments": 2, "weight": 0.5}})
    trainer.train_epoch()
    one, two = (trainer.experience.buffer[key] for key in ("grpo_advantages", "teams_advantages"))
    assert bool(one.any())
    assert bool(two.any())
    assert not torch.equal(one, two)
