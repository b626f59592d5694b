"""Predicted states against plain loops, the copy that follows, and where gradients go."""

from __future__ import annotations

import math
from typing import Any, cast

import pytest
import torch
from torch import Tensor

from metta.rl.loss.base import LossSetting
from metta.rl.loss.latent_ema import LatentEMALoss
from metta.rl.loss.latent_ema_config import LatentEMAConfig
from tests.rl.loss.samples import MakeTrainer, Tensors, check_training, grad_of, later_steps, random_batch


def evaluated(loss: LatentEMALoss, seed: int = 0) -> tuple[Tensors, Tensors]:
    """A batch that the policy itself can read, and random outputs of it."""
    batch, output = random_batch(seed)
    rng = torch.Generator().manual_seed(seed)
    batch["env_obs"] = torch.randn(*batch["rewards"].shape, 2, generator=rng)
    for name, (shape, _) in loss._pair[0].memory_spec.items():
        batch[f"memory/{name}"] = torch.randn(batch["rewards"].shape[0], *shape, generator=rng)
    return batch, output


def test_loss_equals_the_formula_step_by_step(setting: LossSetting) -> None:
    loss = LatentEMALoss(LatentEMAConfig(horizon=3, hidden_size=4), setting)
    batch, output = evaluated(loss)
    seen = loss._pair[1].evaluate(batch)["core"]
    per_step: dict[int, list[float]] = {1: [], 2: [], 3: []}
    with torch.no_grad():
        for s in range(3):
            for t in range(6):
                guess: Tensor = output["core"][s, t]
                for k in range(1, later_steps(batch, s, t) + 1):
                    if k > 3:
                        break
                    hidden = loss.state(guess) + loss.action.weight[batch["action"][s, t + k - 1]]
                    guess = guess + loss.change(hidden.clamp(min=0))
                    a, b = loss.predict(guess).tolist(), seen[s, t + k].tolist()
                    dot = sum(x * y for x, y in zip(a, b, strict=True))
                    per_step[k].append(1 - dot / math.hypot(*a) / math.hypot(*b))
    expected = sum(sum(found) / len(found) for found in per_step.values()) / 3
    assert loss(batch, output).loss.item() == pytest.approx(expected, rel=1e-4)


def test_gradient_reaches_the_state_and_its_own_layers_but_not_the_copy(setting: LossSetting) -> None:
    loss = LatentEMALoss(LatentEMAConfig(horizon=1), setting)
    batch, output = evaluated(loss)
    loss(batch, output).loss.backward()
    counted = torch.tensor([[later_steps(batch, s, t) > 0 for t in range(6)] for s in range(3)])
    grad = grad_of(output["core"]).abs().sum(-1)
    assert (grad[~counted] == 0).all()
    assert (grad[counted] > 0).all()
    assert all(parameter.grad is not None for parameter in loss.parameters())
    policy, copy = loss._pair
    assert all(parameter.grad is None for model in (policy, copy) for parameter in model.parameters())
    own = {id(parameter) for parameter in loss.parameters()}
    assert not own & {id(parameter) for parameter in copy.parameters()}, "the copy must not meet the optimizer"


def test_the_copy_follows_after_each_step(setting: LossSetting) -> None:
    loss = LatentEMALoss(LatentEMAConfig(ema_decay=0.75), setting)
    policy, copy = loss._pair
    before = {name: value.clone() for name, value in copy.named_parameters()}
    with torch.no_grad():
        for parameter in policy.parameters():
            parameter.add_(1.0)
    loss.after_step()
    for name, value in copy.named_parameters():
        torch.testing.assert_close(value, before[name] + 0.25)


def test_it_learns_to_predict_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    losses: dict[str, Any] = {"latent_ema": {"weight": 1.0}}
    metrics = check_training(make_trainer, losses)
    assert metrics[-1]["losses/latent_loss"] < metrics[0]["losses/latent_loss"]
    trainer = make_trainer(losses)
    names = {cast(str, group["name"]) for group in trainer.optimizer.param_groups}
    assert "loss.latent_ema" in names
