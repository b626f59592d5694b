"""Policy presets by the `type` of their config: one line each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metta.agent.container import ComponentContainer
from metta.agent.policies.bag import build_bag
from metta.agent.policies.bag_lstm import build_bag_lstm
from metta.agent.policies.fast import build_fast
from metta.agent.policies.mlp import build_mlp
from metta.agent.policies.network import build_network_policy
from metta.agent.policy_config import AnyPolicyConfig
from metta.common.env_spec import EnvSpec

NETWORKS: dict[str, Callable[[Any, EnvSpec], ComponentContainer]] = {
    "bag": build_bag,
    "bag_lstm": build_bag_lstm,
    "fast": build_fast,
    "mlp": build_mlp,
    "network": build_network_policy,
}


def build_network(config: AnyPolicyConfig, spec: EnvSpec) -> ComponentContainer:
    """The network of a preset. Weights come from torch's global generator; ``build_policy`` seeds it."""
    return NETWORKS[config.type](config, spec)
