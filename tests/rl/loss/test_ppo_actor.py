"""The actor's loss against a slow reference, and where its gradient goes."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from metta.rl.loss.ppo_actor import PPOActorLoss
from metta.rl.loss.ppo_actor_config import PPOActorConfig


def random_batch(seed: int = 0) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    rng = torch.Generator().manual_seed(seed)
    old, new, advantages, entropy, values = torch.randn(5, 3, 4, generator=rng) * 0.3
    batch = {"act_log_prob": old, "advantages": advantages, "valid": torch.rand(3, 4, generator=rng) < 0.7}
    output = {"act_log_prob": new, "entropy": entropy.abs(), "values": values}
    return batch, {key: tensor.requires_grad_() for key, tensor in output.items()}


def test_loss_equals_the_formula_step_by_step() -> None:
    """Equation 7 with the entropy bonus of equation 9, as plain Python numbers."""
    batch, output = random_batch()
    cfg = PPOActorConfig(clip_coef=0.15, ent_coef=0.3)
    surrogates, entropies, kls, clips = [], [], [], []
    for i in range(3):
        for j in range(4):
            if not batch["valid"][i, j]:
                continue
            log_ratio = (output["act_log_prob"][i, j] - batch["act_log_prob"][i, j]).item()
            ratio, advantage = math.exp(log_ratio), float(batch["advantages"][i, j])
            surrogates.append(min(ratio * advantage, min(max(ratio, 0.85), 1.15) * advantage))
            entropies.append(output["entropy"][i, j].item())
            kls.append(ratio - 1 - log_ratio)
            clips.append(float(abs(ratio - 1) > 0.15))
    n = len(surrogates)
    result = PPOActorLoss(cfg)(batch, output)
    assert result.loss.item() == pytest.approx(-sum(surrogates) / n - 0.3 * sum(entropies) / n, rel=1e-5)
    assert result.metrics["approx_kl"].item() == pytest.approx(sum(kls) / n, rel=1e-4)
    assert result.metrics["clipfrac"].item() == pytest.approx(sum(clips) / n)


def test_gradient_reaches_log_prob_and_entropy_of_valid_steps_only() -> None:
    batch, output = random_batch()
    PPOActorLoss(PPOActorConfig())(batch, output).loss.backward()
    for key in PPOActorLoss.reads:
        grad = output[key].grad
        assert grad is not None
        assert (grad[~batch["valid"]] == 0).all()
    entropy_grad = output["entropy"].grad
    assert entropy_grad is not None
    assert (entropy_grad[batch["valid"]] < 0).all(), "more entropy must lower the loss"
    assert output["values"].grad is None


def test_clipped_steps_stop_pushing() -> None:
    """A ratio beyond the clip range in the advantage's direction has no gradient; against it, it has."""
    old = torch.zeros(1, 2)
    new = torch.tensor([[1.0, 1.0]], requires_grad=True)
    batch = {"act_log_prob": old, "advantages": torch.tensor([[1.0, -1.0]]), "valid": torch.ones(1, 2).bool()}
    output = {"act_log_prob": new, "entropy": torch.zeros(1, 2)}
    PPOActorLoss(PPOActorConfig(clip_coef=0.2))(batch, output).loss.backward()
    assert new.grad is not None
    assert new.grad[0, 0] == 0
    assert new.grad[0, 1] > 0


def test_ignored_steps_cannot_poison_the_loss() -> None:
    """The log-probability of an ignored action may be anything, minus infinity included."""
    batch, output = random_batch()
    poisoned = output["act_log_prob"].detach().masked_fill(~batch["valid"], 1000.0).requires_grad_()
    clean = PPOActorLoss(PPOActorConfig())(batch, output).loss
    result = PPOActorLoss(PPOActorConfig())(batch, {**output, "act_log_prob": poisoned}).loss
    assert result.item() == clean.item()
    result.backward()
    assert poisoned.grad is not None
    assert poisoned.grad.isfinite().all()
    batch["valid"][:] = False
    assert PPOActorLoss(PPOActorConfig())(batch, output).loss.item() == 0
