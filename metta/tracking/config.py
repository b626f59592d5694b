"""Where metrics go besides the run directory."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.common.config import Config


class WandbConfig(Config):
    """Weights & Biases. ``off`` never imports it; ``offline`` writes a run that ``wandb sync`` uploads later."""

    mode: Literal["off", "offline", "online"] = Field(default="off", description="off, offline (local files) or online")
    project: str = Field(default="metta", description="project that the run belongs to")
    entity: str | None = Field(default=None, description="user or team; absent: the account's default")
    group: str | None = Field(default=None, description="runs with one group are shown together")
    tags: tuple[str, ...] = Field(default=(), description="labels of the run")
    notes: str = Field(default="", description="free text shown with the run")
