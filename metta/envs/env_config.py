"""What `training_env=` takes, and the one place where a config becomes a batch of environments."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.vec_env_config import VecEnvConfig

if TYPE_CHECKING:
    from collections.abc import Callable

    # numpy takes longer to import than an error message may
    from metta.common.env_spec import EnvSpec
    from metta.common.vector_env import VectorEnv

EnvConfig = Annotated[VecEnvConfig | GymEnvConfig, Field(discriminator="type")]


def make_env(
    config: VecEnvConfig | GymEnvConfig, seed: int, while_waiting: Callable[[], None] = lambda: None
) -> VectorEnv:
    """The batch of environments that ``config`` describes; imports what it needs only now. ``while_waiting`` is called
    now and then while it waits for foreign processes, and may raise to stop.

    Raises:
        ConfigError: the config describes no environment that can be made.
    """
    if isinstance(config, GymEnvConfig):
        from metta.envs.gym_env import GymVecEnv

        return GymVecEnv(config, seed, while_waiting)
    from metta.mettagrid.vec_env import make_vec_env

    return make_vec_env(config, seed)


def spec_of(config: VecEnvConfig | GymEnvConfig) -> EnvSpec:
    """Observations and actions of the environment, without building the batch."""
    if isinstance(config, GymEnvConfig):
        from metta.envs.gym_maker import gym_spec

        return gym_spec(config.env_id, config.kwargs)
    from metta.mettagrid.spec import env_spec

    return env_spec(config.env)
