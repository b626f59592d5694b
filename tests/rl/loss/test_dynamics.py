"""Prediction of returns and rewards against plain numbers, and where its gradient goes."""

from __future__ import annotations

import pytest
import torch

from metta.rl.loss.base import LossSetting
from metta.rl.loss.dynamics import DynamicsLoss
from metta.rl.loss.dynamics_config import DynamicsConfig
from tests.rl.loss.samples import MakeTrainer, check_training, grad_of, random_batch


def test_loss_equals_the_formula_step_by_step(setting: LossSetting) -> None:
    loss = DynamicsLoss(DynamicsConfig(returns_coef=0.3, reward_coef=0.7, hidden_size=5), setting)
    batch, output = random_batch()
    losses: list[float] = []
    for s, t in batch["valid"].nonzero().tolist():
        x = loss.state.weight @ output["core"][s, t] + loss.state.bias + loss.action.weight[batch["action"][s, t]]
        returns, reward = (loss.heads.weight @ x.clamp(min=0) + loss.heads.bias).tolist()
        losses.append(0.15 * (returns - float(batch["returns"][s, t])) ** 2)
        losses[-1] += 0.35 * (reward - float(batch["rewards"][s, t])) ** 2
    assert loss(batch, output).loss.item() == pytest.approx(sum(losses) / len(losses), rel=1e-4)


def test_gradient_reaches_the_state_of_valid_steps_and_its_own_layers(setting: LossSetting) -> None:
    loss = DynamicsLoss(DynamicsConfig(), setting)
    batch, output = random_batch()
    loss(batch, output).loss.backward()
    grad = grad_of(output["core"]).abs().sum(-1)
    assert (grad[~batch["valid"]] == 0).all()
    assert (grad[batch["valid"]] > 0).all()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in loss.parameters())
    assert all(output[key].grad is None for key in ("values", "act_log_prob", "entropy"))


def test_what_was_ignored_does_not_count(setting: LossSetting) -> None:
    loss = DynamicsLoss(DynamicsConfig(), setting)
    batch, output = random_batch()
    clean = loss(batch, output).loss.item()
    for key in ("rewards", "returns"):
        batch[key] = batch[key].masked_fill(~batch["valid"], float("nan"))
    assert loss(batch, output).loss.item() == clean
    assert torch.isfinite(loss(batch, output).loss)


def test_it_learns_rewards_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    metrics = check_training(make_trainer, {"dynamics": {"weight": 1.0}})
    assert metrics[-1]["losses/reward_loss"] < metrics[0]["losses/reward_loss"]
