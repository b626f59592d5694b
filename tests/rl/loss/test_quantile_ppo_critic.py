"""Quantile regression of the return against plain Python, and what it converges to."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.policy import build_policy
from metta.agent.policy_config import LstmConfig, MlpConfig
from metta.common.errors import KeyContractError
from metta.rl.loss.base import LossSetting, build_losses
from metta.rl.loss.quantile_ppo_critic import QuantilePPOCriticLoss
from metta.rl.loss.quantile_ppo_critic_config import QuantilePPOCriticConfig
from metta.rl.trainer_config import TrainerConfig
from tests.rl.loss.samples import MakeTrainer, Tensors, check_training, grad_of

LOSSES = {"ppo_critic": {"enabled": False}, "quantile_ppo_critic": {}}


def batch_of(quantiles: int = 4) -> tuple[Tensors, Tensors]:
    rng = torch.Generator().manual_seed(0)
    batch = {"returns": torch.randn(3, 5, generator=rng), "valid": torch.rand(3, 5, generator=rng) < 0.7}
    guesses = torch.randn(3, 5, quantiles, generator=rng).requires_grad_()
    return batch, {"value_quantiles": guesses, "values": torch.zeros(3, 5, requires_grad=True)}


@pytest.mark.parametrize("limit", [0.0, 0.5, 1.0])
def test_loss_equals_the_formula_number_by_number(limit: float) -> None:
    batch, output = batch_of()
    losses: list[float] = []
    for s in range(3):
        for t in range(5):
            if not batch["valid"][s, t]:
                continue
            for i in range(4):
                u = float(batch["returns"][s, t]) - output["value_quantiles"][s, t, i].item()
                if limit == 0:
                    size = abs(u)
                elif abs(u) <= limit:
                    size = 0.5 * u * u / limit
                else:
                    size = limit * (abs(u) - 0.5 * limit) / limit
                losses.append(abs((i + 0.5) / 4 - (1.0 if u < 0 else 0.0)) * size)
    loss = QuantilePPOCriticLoss(QuantilePPOCriticConfig(vf_coef=0.5, huber=limit))
    result = loss(batch, output)
    assert result.metrics["value_loss"].item() == pytest.approx(sum(losses) / len(losses), rel=1e-5)
    assert result.loss.item() == pytest.approx(0.5 * sum(losses) / len(losses), rel=1e-5)


def test_gradient_reaches_the_quantiles_of_valid_steps_only() -> None:
    batch, output = batch_of()
    QuantilePPOCriticLoss(QuantilePPOCriticConfig())(batch, output).loss.backward()
    grad = grad_of(output["value_quantiles"])
    assert (grad[~batch["valid"]] == 0).all()
    assert (grad[batch["valid"]] != 0).all()
    assert output["values"].grad is None


def test_it_finds_the_quantiles_of_what_it_sees() -> None:
    """Returns that are 0, 1, ..., 99 equally often: the midpoints of four quarters are 12, 37, 62 and 87."""
    returns = torch.arange(100.0).reshape(1, 100)
    guess = torch.full((4,), 50.0, requires_grad=True)
    batch = {"returns": returns, "valid": torch.ones(1, 100, dtype=torch.bool)}
    loss = QuantilePPOCriticLoss(QuantilePPOCriticConfig(huber=0.0))
    optimizer = torch.optim.Adam([guess], lr=1.0)
    for _ in range(300):
        optimizer.zero_grad()
        loss(batch, {"value_quantiles": guess.expand(1, 100, 4)}).loss.backward()
        optimizer.step()
        optimizer.param_groups[0]["lr"] *= 0.99
    assert guess.tolist() == pytest.approx([12, 37, 62, 87], abs=1.5)


def test_a_critic_without_quantiles_is_refused_with_the_key(setting: LossSetting) -> None:
    config = TrainerConfig(losses=LOSSES)  # pyright: ignore[reportArgumentType]
    with pytest.raises(KeyContractError, match=r"policy_architecture\.critic_quantiles=25"):
        build_losses(config.losses, setting)


@pytest.mark.parametrize("preset", [LstmConfig(critic_quantiles=7), MlpConfig(critic_quantiles=7)])
def test_presets_give_quantiles_whose_mean_is_the_value(preset: LstmConfig, setting: LossSetting) -> None:
    policy = build_policy(preset, setting.policy.spec, seed=1)
    policy.provide(("value_quantiles",), "the test")
    td: dict[str, Tensor] = {
        "env_obs": torch.randn(2, 3, 2),
        "first": torch.zeros(2, 3, dtype=torch.bool),
        "action": torch.zeros(2, 3, dtype=torch.int64),
        **{f"memory/{name}": torch.zeros(2, *shape) for name, (shape, _) in policy.memory_spec.items()},
    }
    output = policy.evaluate(td)
    assert output["value_quantiles"].shape == (2, 3, 7)
    torch.testing.assert_close(output["values"], output["value_quantiles"].mean(-1))


def test_it_trains_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    preset = LstmConfig(hidden_sizes=(8,), lstm_size=8, critic_quantiles=5)
    metrics = check_training(make_trainer, LOSSES, preset)
    assert metrics[-1]["losses/spread"] > 0
