"""How a game is batched. Knows neither torch nor numpy, so that recipes and ``--help`` stay quick."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.game import MettaGridConfig


class VecEnvConfig(Config):
    """A batch of environments that play one game.

    >>> VecEnvConfig(num_envs=4, num_slots=1).env.game.num_agents
    24
    """

    type: Literal["mettagrid"] = "mettagrid"
    env: MettaGridConfig = MettaGridConfig()
    num_envs: int = Field(default=16, ge=1, le=2**20, description="environments in the batch")
    num_threads: int = Field(default=0, ge=0, le=1024, description="threads that step them; 0: one per core")
    num_slots: int = Field(
        default=2, ge=1, le=64, description="equal parts of the batch; stepping one overlaps with inference for another"
    )
    desync_episodes: bool = Field(
        default=True, description="cut each environment's first episode at a random step, so that ends spread out"
    )

    autoreset: Literal["next_step", "same_step"] = Field(
        default="next_step",
        description="next_step: the step after an episode's end begins the next one; same_step: the step that ends it "
        "does, and the final observation stands in a buffer of its own (not for training)",
    )

    @model_validator(mode="after")
    def _slots_are_equal(self) -> Self:
        if self.num_envs % self.num_slots:
            fitting = -(-self.num_envs // self.num_slots) * self.num_slots
            raise ValueError(
                f"num_envs={self.num_envs} cannot be split into num_slots={self.num_slots} equal slots. "
                f"Nearest that can: num_envs={fitting}; or set num_slots=1."
            )
        return self

    @property
    def num_rows(self) -> int:
        """Agent rows of the batch: environments x agents."""
        return self.num_envs * self.env.game.num_agents
