"""What a training run watches of itself, how often, and where to it tells. Knows no torch."""

from __future__ import annotations

from pydantic import Field

from metta.common.config import Config


class MetricsConfig(Config):
    """Rows and reports of MetricsHook; Weights & Biases has its own section. Nothing here changes what is learned."""

    interval: int = Field(default=1, ge=1, description="epochs between two rows, each the mean of its epochs")
    window: int = Field(default=20, ge=1, description="epochs with ended episodes that a rolling average (.avg) covers")
    details: bool = Field(default=True, description=".std_dev, .rate and .avg of the episodes' statistics")
    system: bool = Field(default=True, description="processor, memory, disk and GPU of the machine (monitor/*)")
    gradient_interval: int = Field(
        default=0, ge=0, description="epochs between two rows with grad/* and weights/*; 0 = never"
    )
    profiler_interval: int = Field(
        default=0, ge=0, description="epochs between two Chrome traces in <run>/profiles; 0 = never"
    )
    tensorboard: bool = Field(default=False, description="event files in <run>/tensorboard")
    heartbeat_file: str | None = Field(
        default=None, description="touched each epoch; absent: the file that $HEARTBEAT_FILE names, if any"
    )
