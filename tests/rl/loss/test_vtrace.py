"""V-trace against the sums that define it, by hand at every kind of end, and at work."""

from __future__ import annotations

import math

import pytest
import torch

from metta.common.errors import ConfigError
from metta.rl.loss.base import LossSetting
from metta.rl.loss.vtrace import VTraceLoss
from metta.rl.loss.vtrace_config import VTraceConfig
from metta.rl.trainer_config import TrainerConfig
from tests.rl.loss.samples import ONLY, MakeTrainer, Tensors, check_training, grad_of, random_batch

LOSSES = {**ONLY, "vtrace": {}}


def targets_by_sums(batch: Tensors, output: Tensors, cfg: VTraceConfig, gamma: float) -> tuple[Tensors, int]:
    """Equation 1 as it stands: a double loop over start and later step, with a product of clipped ratios."""
    segments, horizon = batch["rewards"].shape
    shape = (segments, horizon)
    found = {"targets": torch.zeros(shape), "advantages": torch.zeros(shape)}
    b = {key: value.tolist() for key, value in batch.items()}
    values = output["values"].tolist()
    ends = 0

    def ratio(s: int, t: int) -> float:
        return math.exp(output["act_log_prob"][s, t].item() - b["act_log_prob"][s][t]) if b["valid"][s][t] else 1.0

    def after(s: int, t: int) -> float:
        if b["terminated"][s][t]:
            return 0.0
        return values[s][t + 1] if t + 1 < horizon else b["next_values"][s][t]

    for s in range(segments):
        for t in range(horizon):
            total, trace = values[s][t], 1.0
            for k in range(t, horizon):
                delta = min(cfg.rho_clip, ratio(s, k)) * (b["rewards"][s][k] + gamma * after(s, k) - values[s][k])
                total += gamma ** (k - t) * trace * delta
                trace *= cfg.vtrace_lambda * min(cfg.c_clip, ratio(s, k))
                if b["terminated"][s][k] or b["truncated"][s][k]:
                    ends += 1
                    break
            found["targets"][s, t] = total
        for t in range(horizon):
            over = b["terminated"][s][t] or b["truncated"][s][t] or t + 1 == horizon
            later = after(s, t) if over else found["targets"][s, t + 1].item()
            step = b["rewards"][s][t] + gamma * later - values[s][t]
            found["advantages"][s, t] = min(cfg.rho_clip, ratio(s, t)) * step
    return found, ends


@pytest.mark.parametrize("seed", range(3))
def test_loss_equals_the_sums(setting: LossSetting, seed: int) -> None:
    cfg = VTraceConfig(rho_clip=1.2, c_clip=0.9, vtrace_lambda=0.8, vf_coef=0.7, ent_coef=0.3)
    batch, output = random_batch(seed)
    expected, ends = targets_by_sums(batch, output, cfg, setting.config.gamma)
    assert ends > 2
    loss, valid = VTraceLoss(cfg, setting), batch["valid"]
    ratio = torch.where(valid, output["act_log_prob"] - batch["act_log_prob"], 0.0).exp().detach()
    targets, advantages = loss.targets(batch, output["values"], ratio)
    torch.testing.assert_close(targets[valid], expected["targets"][valid], rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(advantages[valid], expected["advantages"][valid], rtol=1e-4, atol=1e-5)
    policy = -(expected["advantages"] * output["act_log_prob"])[valid].mean()
    value = 0.5 * (output["values"] - expected["targets"])[valid].square().mean()
    total = policy + 0.7 * value - 0.3 * output["entropy"][valid].mean()
    assert loss(batch, output).loss.item() == pytest.approx(total.item(), rel=1e-4)


def test_every_end_by_hand(setting: LossSetting) -> None:
    """gamma 0.98, ratios 1. Step 0 is truncated (final observation worth 3), step 3 terminates, step 5 is the last."""
    gamma = setting.config.gamma
    assert gamma == 0.98
    no = torch.zeros(1, 6, dtype=torch.bool)
    batch = {
        "act_log_prob": torch.zeros(1, 6),
        "rewards": torch.tensor([[1.0, 0.0, 0.0, 2.0, 0.0, 1.0]]),
        "next_values": torch.full((1, 6), 5.0),
        **{key: no.clone() for key in ("terminated", "truncated")},
        "valid": torch.tensor([[True, False, True, True, False, True]]),
    }
    batch["truncated"][0, 0] = batch["terminated"][0, 3] = True
    values = torch.tensor([[7.0, 3.0, 0.0, 1.0, 4.0, 2.0]])
    targets, advantages = VTraceLoss(VTraceConfig(), setting).targets(batch, values, torch.ones(1, 6))
    assert targets[0, 0].item() == pytest.approx(1 + gamma * 3), "a truncation goes on with the final observation"
    assert targets[0, 3].item() == pytest.approx(2), "nothing comes after termination"
    assert targets[0, 2].item() == pytest.approx(gamma * 2), "two steps of one episode"
    assert targets[0, 5].item() == pytest.approx(1 + gamma * 5), "the last step goes on with the rollout's value"
    assert advantages[0, 2].item() == pytest.approx(gamma * 2 - 0)
    assert advantages[0, 0].item() == pytest.approx(1 + gamma * 3 - 7)


def test_gradient_reaches_its_three_outputs_on_valid_steps(setting: LossSetting) -> None:
    """Advantages and targets are constants: the gradient is that of the formula with numbers in their place."""
    batch, output = random_batch()
    cfg, valid = VTraceConfig(vf_coef=0.5, ent_coef=0.1), batch["valid"]
    VTraceLoss(cfg, setting)(batch, output).loss.backward()
    expected, _ = targets_by_sums(batch, output, cfg, setting.config.gamma)
    count = int(valid.sum())
    wanted = {
        "act_log_prob": -expected["advantages"] / count,
        "values": 0.5 * (output["values"].detach() - expected["targets"]) / count,
        "entropy": torch.full_like(expected["targets"], -0.1 / count),
    }
    for key, gradient in wanted.items():
        got = grad_of(output[key])
        torch.testing.assert_close(got[valid], gradient[valid], rtol=1e-4, atol=1e-5)
        assert (got[~valid] == 0).all()


def test_ignored_steps_cannot_poison_it(setting: LossSetting) -> None:
    batch, output = random_batch()
    clean = VTraceLoss(VTraceConfig(), setting)(batch, output).loss.item()
    assert not bool(batch["valid"].all())
    for key in ("act_log_prob", "entropy"):
        output[key] = output[key].detach().masked_fill(~batch["valid"], -float("inf")).requires_grad_()
    result = VTraceLoss(VTraceConfig(), setting)(batch, output).loss
    assert result.item() == pytest.approx(clean)
    result.backward()
    assert grad_of(output["act_log_prob"]).isfinite().all()


def test_normalised_advantages(setting: LossSetting) -> None:
    batch, output = random_batch()
    scaled = {**batch, "rewards": batch["rewards"] * 1.0}
    plain = VTraceLoss(VTraceConfig(vf_coef=0, ent_coef=0), setting)(scaled, output).loss
    other = VTraceLoss(VTraceConfig(vf_coef=0, ent_coef=0, normalize_advantages=True), setting)(scaled, output).loss
    assert plain.item() != pytest.approx(other.item())


def test_it_stands_in_place_of_the_two_of_ppo() -> None:
    with pytest.raises(ConfigError, match=r"'ppo_actor' and 'vtrace' .* trainer\.losses\.ppo_actor\.enabled=false"):
        TrainerConfig().replace({"losses.vtrace": {}})
    with pytest.raises(ConfigError, match="Lower c_clip"):
        VTraceConfig(rho_clip=0.5)
    assert TrainerConfig(losses=LOSSES).losses["vtrace"].kind == "vtrace"  # pyright: ignore[reportArgumentType]


def test_it_trains_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    metrics = check_training(make_trainer, LOSSES)
    assert all(math.isfinite(epoch["losses/value_loss"]) for epoch in metrics)
