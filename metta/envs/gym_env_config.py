"""Settings of foreign environments. Imports neither gymnasium nor pufferlib."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, JsonValue, field_validator, model_validator

from metta.common.config import Config


class GymEnvConfig(Config):
    """A batch of one Gymnasium environment with discrete actions, run by PufferLib's vectoriser.

    Observations of any kind are flattened to ``float32`` vectors. Episodes cannot be saved half-way: a resumed run
    starts new ones.
    """

    type: Literal["gym"] = "gym"
    env_id: str = Field(default="CartPole-v1", min_length=1, description="id in Gymnasium's registry")
    num_envs: int = Field(default=8, ge=1, description="environments in the batch")
    backend: Literal["serial", "multiprocessing"] = Field(
        default="serial", description="serial steps all in this process; multiprocessing pays for slow environments"
    )
    num_workers: int = Field(default=2, ge=1, description="processes of the multiprocessing backend")
    worker_timeout: float = Field(
        default=60.0, gt=0, description="seconds after which a worker process that does not answer ends the run"
    )
    kwargs: dict[str, JsonValue] = Field(default={}, description="arguments for the environment's constructor")

    @property
    def num_rows(self) -> int:
        """Agent rows of the batch: one an environment."""
        return self.num_envs

    @field_validator("env_id")
    @classmethod
    def _no_module(cls, env_id: str) -> str:
        if ":" in env_id:
            raise ValueError(
                f"{env_id!r} names a module to import, which a config may not do. Import the package that registers "
                "the environment in a recipe, and give the id alone"
            )
        return env_id

    @model_validator(mode="after")
    def _check_workers(self) -> Self:
        if self.backend == "multiprocessing" and self.num_envs % self.num_workers:
            raise ValueError(
                f"training_env.num_envs={self.num_envs} cannot be shared evenly by "
                f"training_env.num_workers={self.num_workers} processes"
            )
        return self
