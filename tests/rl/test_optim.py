"""A parameter group per component."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.rl.optim import build_optimizer
from metta.rl.trainer_config import OptimizerConfig


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
