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
    artifact_interval: int = Field(
        default=0, ge=0, description="epochs between two policies uploaded as artifacts, and the last one; 0 = never"
    )
    abort_interval: int = Field(
        default=10, ge=0, description="epochs between two looks whether the run was tagged 'abort'; 0 = never"
    )
