"""A preset's components, put together with what a policy supplies."""

from __future__ import annotations

from collections.abc import Mapping

from metta.agent.components.heads import ValueHead
from metta.agent.components.per_population import POPULATION_KEY
from metta.agent.components.quantile_head import QuantileValueHead
from metta.agent.container import ComponentContainer
from metta.agent.module import MEMORY_PREFIX, MettaModule, Shape
from metta.agent.policy_config import BasePolicyConfig
from metta.common.env_spec import EnvSpec


def network_inputs(spec: EnvSpec, memory_shapes: Mapping[str, tuple[int, ...]] | None = None) -> dict[str, Shape]:
    """Keys and shapes that a policy supplies: the observation, the episode's start, the agent's population, and the
    memory asked for.
    """
    memory = {MEMORY_PREFIX + name: shape for name, shape in (memory_shapes or {}).items()}
    return {"env_obs": spec.obs_shape, "first": (), POPULATION_KEY: (), **memory}


def assemble(spec: EnvSpec, components: Mapping[str, MettaModule]) -> ComponentContainer:
    """A network of ``components`` that is given what a policy supplies."""
    memory = {name: shape for component in components.values() for name, shape in component.memory_shapes.items()}
    network = ComponentContainer(network_inputs(spec, memory))
    for name, component in components.items():
        network.add_component(name, component)
    return network


def critic_head(config: BasePolicyConfig, width: int, key: str) -> MettaModule:
    """What makes ``values`` of ``key``: a number, or quantiles whose mean it is."""
    if config.critic_quantiles:
        return QuantileValueHead(width, config.critic_quantiles, key, gain=config.value_gain)
    return ValueHead(width, key, gain=config.value_gain)
