"""What every preset's network is given."""

from __future__ import annotations

from metta.agent.module import MEMORY_PREFIX, Shape
from metta.common.env_spec import EnvSpec


def network_inputs(spec: EnvSpec, memory_shapes: dict[str, tuple[int, ...]] | None = None) -> dict[str, Shape]:
    """Keys and shapes that a policy supplies: the observation, the episode's start, and the memory asked for."""
    memory = {MEMORY_PREFIX + name: shape for name, shape in (memory_shapes or {}).items()}
    return {"env_obs": spec.obs_shape, "first": (), **memory}
