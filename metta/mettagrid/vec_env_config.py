"""Settings of a batch of MettaGrid environments. Knows neither torch nor numpy."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.common.config import Config
from metta.mettagrid.config.game import MettaGridConfig


class VecEnvConfig(Config):
    """Environments that play the same game and are stepped together by native threads."""

    type: Literal["mettagrid"] = "mettagrid"
    env: MettaGridConfig = Field(default_factory=MettaGridConfig, description="the game")
    num_envs: int = Field(default=16, ge=1, description="environments in the batch")
    num_threads: int = Field(default=0, ge=0, description="threads that step environments; 0: one a core")
    num_slots: int = Field(default=2, ge=1, description="parts of the batch that are stepped independently")
    desync_episodes: bool = Field(
        default=True, description="cut each first episode at a random step, so that episodes do not end all at once"
    )
