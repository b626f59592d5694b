"""Policy presets by the `type` of their config: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metta.agent.container import ComponentContainer
from metta.agent.policies.bag import build_bag
from metta.agent.policies.bag_lstm import build_bag_lstm
from metta.agent.policies.fast import build_fast
from metta.agent.policies.lstm import build_lstm
from metta.agent.policies.mlp import build_mlp
from metta.agent.policies.network import build_network_policy
from metta.agent.policies.vit import build_vit
from metta.agent.policy_config import AnyPolicyConfig
from metta.common.env_spec import EnvSpec

NETWORKS: dict[str, Callable[[Any, EnvSpec], ComponentContainer]] = {
    "bag": build_bag,
    "bag_lstm": build_bag_lstm,
    "cortex": build_vit,
    "fast": build_fast,
    "lstm": build_lstm,
    "mamba": build_vit,
    "memory_free": build_vit,
    "mlp": build_mlp,
    "network": build_network_policy,
    "transformer_xl": build_vit,
    "vit_default": build_vit,
    "vit_medium": build_vit,
    "vit_small": build_vit,
    "vit_tiny": build_vit,
}


def build_network(config: AnyPolicyConfig, spec: EnvSpec) -> ComponentContainer:
    """The network of a preset. Weights come from torch's global generator; ``build_policy`` seeds it."""
    return NETWORKS[config.type](config, spec)
