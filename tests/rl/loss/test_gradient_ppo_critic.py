"""TDRC(lambda) against a double loop, where its two gradients go, and what the correction does."""

from __future__ import annotations

import pytest
import torch

from metta.common.errors import ConfigError
from metta.rl.loss.base import LossSetting
from metta.rl.loss.gradient_ppo_critic import GradientPPOCriticLoss
from metta.rl.loss.gradient_ppo_critic_config import GradientPPOCriticConfig
from metta.rl.trainer_config import TrainerConfig
from tests.rl.loss.samples import MakeTrainer, Tensors, check_training, grad_of, random_batch

LOSSES = {"ppo_critic": {"enabled": False}, "gradient_ppo_critic": {}}


def errors_by_sums(batch: Tensors, values: list[list[float]], gamma: float, gae_lambda: float) -> torch.Tensor:
    b = {key: value.tolist() for key, value in batch.items()}
    segments, horizon = batch["rewards"].shape
    found = torch.zeros(segments, horizon)
    for s in range(segments):
        for t in range(horizon):
            for k in range(t, horizon):
                after = values[s][k + 1] if k + 1 < horizon else b["next_values"][s][k]
                after = 0.0 if b["terminated"][s][k] else after
                delta = b["rewards"][s][k] + gamma * after - values[s][k]
                found[s, t] += (gamma * gae_lambda) ** (k - t) * delta
                if b["terminated"][s][k] or b["truncated"][s][k]:
                    break
    return found


def made(
    setting: LossSetting, cfg: GradientPPOCriticConfig, seed: int = 0
) -> tuple[GradientPPOCriticLoss, Tensors, Tensors]:
    loss = GradientPPOCriticLoss(cfg, setting)
    batch, output = random_batch(seed)
    assert loss.policy_reads == ("values", "core")
    output["core"] = torch.randn(
        *batch["rewards"].shape, 8, generator=torch.Generator().manual_seed(7)
    ).requires_grad_()
    torch.nn.init.constant_(loss.head.weight, 0.1)
    torch.nn.init.constant_(loss.head.bias, 0.2)
    return loss, batch, output


@pytest.mark.parametrize("seed", range(3))
def test_loss_equals_the_sums(setting: LossSetting, seed: int) -> None:
    cfg = GradientPPOCriticConfig(vf_coef=0.7, aux_coef=0.5, beta=0.3, gae_lambda=0.8)
    loss, batch, output = made(setting, cfg, seed)
    valid = batch["valid"]
    sums = errors_by_sums(batch, output["values"].tolist(), setting.config.gamma, 0.8)
    torch.testing.assert_close(loss.errors(batch, output["values"])[valid], sums[valid], rtol=1e-4, atol=1e-5)
    h = (output["core"].sum(-1) * 0.1 + 0.2).detach()
    value = (h * sums - (sums - h) * output["values"].detach())[valid].mean()
    aux = 0.5 * (sums - h)[valid].square().mean() + 0.5 * 0.3 * (8 * 0.01 + 0.04)
    assert loss(batch, output).loss.item() == pytest.approx((0.7 * value + 0.5 * aux).item(), rel=1e-4)


def test_gradient_reaches_values_and_its_own_head_only(setting: LossSetting) -> None:
    """The values' gradient is that of the formula, by finite differences with h and dl - h held as numbers."""
    cfg = GradientPPOCriticConfig(beta=0.0, gae_lambda=0.8)
    loss, batch, output = made(setting, cfg)
    loss(batch, output).loss.backward()
    assert output["core"].grad is None, "the head must not shape the latent"
    assert output["act_log_prob"].grad is None
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in loss.parameters())
    valid, values = batch["valid"], output["values"].detach()
    h = (output["core"].sum(-1) * 0.1 + 0.2).detach()
    rest = loss.errors(batch, values) - h
    wanted = torch.zeros_like(values)
    for s in range(values.shape[0]):
        for t in range(values.shape[1]):
            found = []
            for step in (-0.5, 0.5):  # the formula is linear in the values once h and the rest are numbers
                moved = values.clone()
                moved[s, t] += step
                sums = errors_by_sums(batch, moved.tolist(), setting.config.gamma, 0.8)
                found.append((h * sums - rest * moved)[valid].mean())
            wanted[s, t] = found[1] - found[0]
    torch.testing.assert_close(grad_of(output["values"]), wanted, rtol=1e-3, atol=1e-4)


def test_at_first_it_is_ordinary_temporal_difference_learning(setting: LossSetting) -> None:
    """With h = 0 the gradient on V is -dl: that of half the squared error to the lambda-return."""
    loss = GradientPPOCriticLoss(GradientPPOCriticConfig(), setting)
    batch, output = random_batch()
    core = torch.randn(*batch["rewards"].shape, 8)
    loss(batch, {**output, "core": core}).loss.backward()
    valid = batch["valid"]
    sums = errors_by_sums(batch, output["values"].tolist(), setting.config.gamma, setting.config.gae_lambda)
    torch.testing.assert_close(grad_of(output["values"])[valid], -sums[valid] / valid.sum(), rtol=1e-4, atol=1e-5)


def test_one_critic_at_a_time() -> None:
    with pytest.raises(ConfigError, match=r"both a training of the critic.*trainer\.losses\.ppo_critic\.enabled=false"):
        TrainerConfig().replace({"losses.gradient_ppo_critic": {}})


def test_it_trains_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    metrics = check_training(make_trainer, LOSSES)
    assert metrics[-1]["losses/correction"] > 0
