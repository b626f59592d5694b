"""What to simulate: one environment, how many episodes, under which name. Knows no torch."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from metta.common.config import Config
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env_config import VecEnvConfig

MAX_BATCH = 128
"""Most environments in one evaluation batch; part of what decides which episodes are played (see ``batch_size``)."""


def _env_kind(value: Any) -> str:
    kind = value.get("type") if isinstance(value, dict) else getattr(value, "type", None)
    return "gym" if kind == "gym" else "mettagrid"


class SimulationConfig(Config):
    """One row of a scorecard: ``suite/name``, an environment and a number of episodes.

    >>> from metta.mettagrid.builder.envs import make_arena
    >>> SimulationConfig(suite="arena", name="basic", env=make_arena(4), num_episodes=8).key
    'arena/basic'
    """

    suite: str = Field(pattern=r"^[\w.\-]+$", description="group of simulations, e.g. the recipe's name")
    name: str = Field(pattern=r"^[\w.\-]+$", description="name within the suite")
    env: Annotated[
        Annotated[MettaGridConfig, Tag("mettagrid")] | Annotated[GymEnvConfig, Tag("gym")], Discriminator(_env_kind)
    ] = Field(description="the game to play")
    num_episodes: int = Field(default=10, ge=1, le=1_000_000, description="whole episodes to play")
    num_threads: int = Field(default=0, ge=0, description="threads that step environments; 0: one a core")
    max_time_s: float | None = Field(
        default=None, gt=0, description="give up (with an error) after so many seconds; never shortens the sample"
    )

    @model_validator(mode="after")
    def _must_end(self) -> Self:
        if isinstance(self.env, MettaGridConfig) and self.env.game.max_steps == 0:
            raise ValueError(
                f"simulation {self.key}: env.game.max_steps=0 is a game without end, so no episode would ever finish. "
                "Set env.game.max_steps to a positive number of steps."
            )
        return self

    @property
    def key(self) -> str:
        """``suite/name``: the simulation's key in a scorecard."""
        return f"{self.suite}/{self.name}"

    @property
    def batch_size(self) -> int:
        """Environments stepped together: one an episode where possible, else equal shares of at most ``MAX_BATCH``.

        Episode ``i`` is episode ``i // batch_size`` of environment ``i % batch_size``, so the sample is fixed before
        the first step and cannot favour short episodes.
        """
        rounds = -(-self.num_episodes // MAX_BATCH)
        return -(-self.num_episodes // rounds)

    @property
    def num_agents(self) -> int:
        return self.env.game.num_agents if isinstance(self.env, MettaGridConfig) else 1

    @property
    def max_steps(self) -> int:
        """Longest episode, in steps; 0 where it is not known before playing."""
        return self.env.game.max_steps if isinstance(self.env, MettaGridConfig) else 0

    def env_config(self) -> VecEnvConfig | GymEnvConfig:
        """The batch of environments that ``run_simulation`` plays on: no desynchronised first episodes."""
        if isinstance(self.env, MettaGridConfig):
            return VecEnvConfig(
                env=self.env,
                num_envs=self.batch_size,
                num_threads=self.num_threads,
                num_slots=1,
                desync_episodes=False,
            )
        return self.env.replace({"num_envs": self.batch_size, "num_workers": 1, "backend": "serial"})

    def digest(self) -> str:
        """SHA-256 of everything that decides which episodes are played (threads and time limits do not)."""
        data = self.model_dump(mode="json", exclude={"num_threads", "max_time_s"})
        return hashlib.sha256(json.dumps(data, sort_keys=True, separators=(",", ":")).encode()).hexdigest()
