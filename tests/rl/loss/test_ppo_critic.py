"""The critic's loss against a slow reference, and where its gradient goes."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.rl.loss.ppo_critic import PPOCriticLoss
from metta.rl.loss.ppo_critic_config import PPOCriticConfig


def random_batch() -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    rng = torch.Generator().manual_seed(0)
    old, returns, new, log_prob = torch.randn(4, 3, 4, generator=rng)
    batch = {"values": old, "returns": returns, "valid": torch.rand(3, 4, generator=rng) < 0.7}
    return batch, {"values": new.requires_grad_(), "act_log_prob": log_prob.requires_grad_()}


@pytest.mark.parametrize("clip_vloss", [False, True])
def test_loss_equals_the_formula_step_by_step(clip_vloss: bool) -> None:
    batch, output = random_batch()
    errors = []
    for old, new, target, valid in zip(
        batch["values"].flatten().tolist(),
        output["values"].flatten().tolist(),
        batch["returns"].flatten().tolist(),
        batch["valid"].flatten().tolist(),
        strict=True,
    ):
        if valid:
            clipped = old + min(max(new - old, -0.1), 0.1)
            plain = (new - target) ** 2
            errors.append(max(plain, (clipped - target) ** 2) if clip_vloss else plain)
    expected = 0.5 * sum(errors) / len(errors)
    result = PPOCriticLoss(PPOCriticConfig(vf_coef=0.7, clip_vloss=clip_vloss, vf_clip_coef=0.1))(batch, output)
    assert result.metrics["value_loss"].item() == pytest.approx(expected, rel=1e-5)
    assert result.loss.item() == pytest.approx(0.7 * expected, rel=1e-5)


def test_gradient_reaches_values_of_valid_steps_only() -> None:
    batch, output = random_batch()
    PPOCriticLoss(PPOCriticConfig(clip_vloss=False))(batch, output).loss.backward()
    grad = output["values"].grad
    assert grad is not None
    assert (grad[~batch["valid"]] == 0).all()
    assert (grad[batch["valid"]] != 0).all()
    assert output["act_log_prob"].grad is None
