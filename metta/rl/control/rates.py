"""Learning rates and gradients by component: the optimizer's side of control."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from metta.agent.policy import Policy


def set_rates(
    optimizer: torch.optim.Optimizer, wanted: Mapping[str, float], default: float, fraction: float
) -> dict[str, float]:
    """Set each group's rate to its component's, or ``default``, times the schedule's ``fraction``; returns what was set
    before the fraction, by component.
    """
    rates: dict[str, float] = {}
    for group in optimizer.param_groups:
        name = group["name"]
        rates[name] = wanted.get(name, default)
        group["lr"] = rates[name] * fraction
    return rates


def component_norms(policy: Policy) -> dict[str, Tensor]:
    """2-norm of each component's gradient; 0 where it has none at the moment."""
    return {
        name: nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        for name, parameters in policy.component_parameters().items()
    }
