"""The optimizer: a parameter group per component, so that rates and freezing can be told apart later."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from metta.common.errors import ConfigError
from metta.rl.native_adam import NativeAdam, NativeAdamW
from metta.rl.optim_config import SCHEDULE_FREE, OptimizerConfig

if TYPE_CHECKING:
    from metta.agent.policy import Policy

_TYPES: dict[str, type[NativeAdam]] = {"adam": NativeAdam, "adamw": NativeAdamW}
_HEADS = {"logits", "values"}


def build_optimizer(
    config: OptimizerConfig, policy: Policy, of_losses: Mapping[str, list[nn.Parameter]] | None = None
) -> torch.optim.Optimizer:
    """The configured optimizer over ``policy.component_parameters()``; each group carries its component's ``name``.
    Groups of losses' own parameters come after them. With Muon a component may have two groups.

    Adam takes one pass over the memory of a parameter: a kernel of our own on the CPU, torch's fused one on a GPU.

    Raises:
        ConfigError: schedule-free AdamW for a policy whose weights are clipped.
    """
    groups: list[dict[str, Any]] = [
        {"params": parameters, "name": name}
        for name, parameters in {**policy.component_parameters(), **(of_losses or {})}.items()
        if parameters
    ]
    adam: dict[str, Any] = {
        "lr": config.learning_rate,
        "betas": (config.beta1, config.beta2),
        "eps": policy.config.adam_eps if config.eps is None else config.eps,
        "weight_decay": config.weight_decay,
    }
    if config.type == "muon":
        from metta.rl.muon import MuonWithAdamW

        return MuonWithAdamW(_split(groups, policy), **adam, momentum=config.momentum, ns_steps=config.ns_steps)
    if config.type == SCHEDULE_FREE:
        from metta.rl.schedule_free import ScheduleFreeAdamW

        if policy.config.clip_range > 0:
            raise ConfigError(
                f"trainer.optimizer.type={SCHEDULE_FREE} keeps an average of the weights, which "
                f"policy_architecture.clip_range={policy.config.clip_range} would not reach. Change one of the two."
            )
        return ScheduleFreeAdamW(groups, **adam, warmup_steps=config.warmup_steps)
    return _TYPES[config.type](groups, **adam, fused=True)


def training_weights(
    optimizer: torch.optim.Optimizer, frozen: Collection[Tensor]
) -> contextlib.AbstractContextManager[None]:
    """Gradients are taken inside: an optimizer that has a point of its own for them moves the parameters there, all
    but ``frozen`` ones. Outside, parameters are what plays, is evaluated and saved.
    """
    training: Callable[[Collection[Tensor]], contextlib.AbstractContextManager[None]] | None
    training = getattr(optimizer, "training", None)
    return contextlib.nullcontext() if training is None else training(frozen)


def _split(groups: list[dict[str, Any]], policy: Policy) -> list[dict[str, Any]]:
    """Each group in two: hidden matrices, and the rest. What leads to actions and values is no hidden layer."""
    from metta.rl.muon import ALGORITHM, split_hidden

    split: list[dict[str, Any]] = []
    for group in groups:
        hidden, rest = [], group["params"]
        if group["name"] in policy.network:  # else it is a loss's
            component = policy.network.get_component(group["name"])
            if not {str(key) for key in component.out_keys} & _HEADS:
                hidden, rest = split_hidden(component, rest)
        for algorithm, parameters in (("muon", hidden), ("adamw", rest)):
            if parameters:
                split.append({"params": parameters, "name": group["name"], ALGORITHM: algorithm})
    return split
