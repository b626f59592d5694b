"""A preset's components, put together with what a policy supplies."""

from __future__ import annotations

from collections.abc import Mapping

from metta.agent.container import ComponentContainer
from metta.agent.module import MEMORY_PREFIX, MettaModule
from metta.common.env_spec import EnvSpec


def assemble(spec: EnvSpec, components: Mapping[str, MettaModule]) -> ComponentContainer:
    """A network that is given the observation, the episode's start, and the memory that its components ask for."""
    memory = {
        MEMORY_PREFIX + name: shape
        for component in components.values()
        for name, shape in component.memory_shapes.items()
    }
    network = ComponentContainer({"env_obs": spec.obs_shape, "first": (), **memory})
    for name, component in components.items():
        network.add_component(name, component)
    return network
