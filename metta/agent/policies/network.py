"""`network`: whatever a YAML file describes."""

from __future__ import annotations

from metta.agent.container import ComponentContainer
from metta.agent.network_builder import NetworkBuilder
from metta.agent.policies.inputs import network_inputs
from metta.agent.policy_config import NetworkPolicyConfig
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

_OUTPUTS = ("logits", "values")


def build_network_policy(config: NetworkPolicyConfig, spec: EnvSpec) -> ComponentContainer:
    """``env_obs``, ``first`` and ``memory/...`` -> whatever leads to ``logits`` and ``values``.

    Raises:
        ConfigError: the network has faults, reads other inputs, or does not write logits of the environment's actions.
    """
    given = network_inputs(spec)
    for key in config.network.input_shapes:
        if key not in given:
            raise ConfigError(
                f"policy_architecture.network.input_shapes has {key!r}, but a policy's network is given {list(given)} "
                f"and memory/<name>.{did_you_mean(key, given)}"
            )
    network = NetworkBuilder().build_from_config(config.network, spec)
    if missing := [key for key in _OUTPUTS if key not in network.out_keys]:
        raise ConfigError(
            f"a policy's network must write {list(_OUTPUTS)}; nobody writes {missing}, there are {network.out_keys}. "
            "Rename an out_key in policy_architecture.network."
        )
    shape = network.output_shapes.get("logits")
    if shape and isinstance(shape[-1], int) and shape[-1] != spec.num_actions:
        raise ConfigError(
            f"the network writes {shape[-1]} logits, but environment {spec.name!r} has {spec.num_actions} actions. "
            "Leave num_actions (out_features) out of the component's config, or use an ActorHead."
        )
    return network
