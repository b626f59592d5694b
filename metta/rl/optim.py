"""The optimizer: a parameter group per component, so that rates and freezing can be told apart later."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from metta.rl.trainer_config import OptimizerConfig

if TYPE_CHECKING:
    from metta.agent.policy import Policy

_TYPES: dict[str, type[torch.optim.Adam]] = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}


def build_optimizer(
    config: OptimizerConfig, policy: Policy, of_losses: Mapping[str, list[nn.Parameter]] | None = None
) -> torch.optim.Optimizer:
    """Adam or AdamW over ``policy.component_parameters()``; each group carries its component's ``name``. Groups of
    losses' own parameters come after them.

    The fused kernel does one pass over the memory of a parameter; it exists for CPU and CUDA.
    """
    groups: list[dict[str, Any]] = [
        {"params": parameters, "name": name}
        for name, parameters in {**policy.component_parameters(), **(of_losses or {})}.items()
        if parameters
    ]
    return _TYPES[config.type](
        groups,
        lr=config.learning_rate,
        betas=(config.beta1, config.beta2),
        eps=config.eps,
        weight_decay=config.weight_decay,
        fused=True,
    )
