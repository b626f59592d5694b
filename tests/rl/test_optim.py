"""A parameter group per component."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import BagConfig, MlpConfig, VitTinyConfig
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.spec import env_spec
from metta.rl.optim import build_optimizer
from metta.rl.optim_config import OptimizerConfig
from tests.rl.optimizer_bench import OptimizerBench


def test_every_parameter_is_in_the_group_of_its_component(corridor: Callable[..., Any]) -> None:
    policy = build_policy(MlpConfig(), corridor(2).spec, seed=0)
    optimizer = build_optimizer(OptimizerConfig(), policy)
    groups = {group["name"]: group["params"] for group in optimizer.param_groups}
    assert list(groups) == list(policy.component_parameters())
    grouped = {id(parameter) for group in groups.values() for parameter in group}
    assert grouped == {id(parameter) for parameter in policy.parameters()}


def test_settings_reach_the_optimizer(corridor: Callable[..., Any]) -> None:
    policy = build_policy(MlpConfig(), corridor(2).spec, seed=0)
    config = OptimizerConfig(type="adamw", learning_rate=0.5, beta1=0.8, eps=1e-3, weight_decay=0.1)
    optimizer = build_optimizer(config, policy)
    assert isinstance(optimizer, torch.optim.AdamW)
    group = optimizer.param_groups[-1]
    assert (group["lr"], group["betas"], group["eps"], group["weight_decay"]) == (0.5, (0.8, 0.999), 1e-3, 0.1)


@pytest.mark.parametrize(("preset", "eps"), [(BagConfig(), 1e-8), (VitTinyConfig(), 1e-5)])
def test_an_eps_that_nobody_sets_suits_the_policy(preset: BagConfig | VitTinyConfig, eps: float) -> None:
    policy = build_policy(preset, env_spec(make_arena(2)), seed=0)
    for asked, found in ((None, eps), (1e-6, 1e-6)):
        assert build_optimizer(OptimizerConfig(eps=asked), policy).param_groups[0]["eps"] == found


@pytest.mark.parametrize(("kind", "decoupled"), [("adam", False), ("adamw", True)])
def test_adam_takes_the_written_out_step(kind: str, decoupled: bool) -> None:
    """arXiv:1412.6980 algorithm 1; AdamW: arXiv:1711.05101 algorithm 2."""
    settings: dict[str, Any] = {"learning_rate": 0.1, "beta1": 0.8, "beta2": 0.9, "eps": 1e-3, "weight_decay": 0.2}
    bench = OptimizerBench(type=kind, **settings)
    name = "network.actor.linear.weight"
    weight = bench.weights()[name].double()
    first = second = torch.zeros_like(weight)
    for step in range(1, 4):
        gradient = bench.step()[name].double()
        if decoupled:
            weight = weight * (1 - 0.1 * 0.2)
        else:
            gradient = gradient + 0.2 * weight
        first, second = 0.8 * first + 0.2 * gradient, 0.9 * second + 0.1 * gradient.square()
        weight = weight - 0.1 * (first / (1 - 0.8**step)) / ((second / (1 - 0.9**step)).sqrt() + 1e-3)
    torch.testing.assert_close(bench.weights()[name].double(), weight, rtol=0, atol=1e-6)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_a_component_without_gradient_stays(kind: str) -> None:
    bench = OptimizerBench(type=kind, weight_decay=0.3)
    bench.step()
    before = bench.weights()
    bench.step(without="critic")
    after = bench.weights()
    assert {name for name in before if torch.equal(before[name], after[name])} == {n for n in before if "critic" in n}
