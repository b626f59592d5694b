"""Rates of optimizer groups and norms of gradients, by component."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import MlpConfig
from metta.rl.control.rates import component_norms, set_rates
from metta.rl.optim import build_optimizer
from metta.rl.trainer_config import OptimizerConfig


@pytest.fixture
def policy(corridor: Callable[..., Any]) -> Policy:
    return build_policy(MlpConfig(hidden_sizes=(8,)), corridor(2).spec, seed=0)


def test_a_components_rate_is_multiplied_by_the_schedule(policy: Policy) -> None:
    optimizer = build_optimizer(OptimizerConfig(), policy)
    rates = set_rates(optimizer, {"actor": 1e-2}, default=1e-3, fraction=0.5)
    assert rates == {"actor_trunk": 1e-3, "critic_trunk": 1e-3, "actor": 1e-2, "critic": 1e-3}
    assert {group["name"]: group["lr"] for group in optimizer.param_groups} == {
        name: rate / 2 for name, rate in rates.items()
    }


def test_the_schedule_is_a_fraction_of_the_rate() -> None:
    for schedule in ("constant", "linear", "cosine"):
        config = OptimizerConfig(schedule=schedule, learning_rate=0.3, final_fraction=0.2)  # type: ignore[arg-type]
        for progress in (0.0, 0.4, 1.0):
            assert config.learning_rate_at(progress) == 0.3 * config.fraction_at(progress)


def test_norms_of_gradients_there_are(policy: Policy) -> None:
    weight, bias = policy.network["actor"].parameters()
    weight.grad, bias.grad = torch.full_like(weight, 0.0), torch.zeros_like(bias)
    weight.grad[0, 0], bias.grad[0] = 3.0, 4.0
    norms = {name: float(norm) for name, norm in component_norms(policy).items()}
    assert norms == {"actor_trunk": 0.0, "critic_trunk": 0.0, "actor": 5.0, "critic": 0.0}
