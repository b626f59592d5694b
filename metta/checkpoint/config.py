"""When policies and trainer state are written, and which policies are kept."""

from __future__ import annotations

from pydantic import Field

from metta.common.config import Config


class CheckpointerConfig(Config):
    """``<run>/checkpoints`` and ``<run>/trainer_state``: written every ``epoch_interval`` epochs and at the end."""

    epoch_interval: int = Field(default=10, ge=1, description="epochs between two saved policies (and trainer states)")
    keep_last: int = Field(default=5, ge=1, description="newest policies to keep; the last one always stays")
    keep_best: int = Field(default=1, ge=0, description="best evaluated policies to keep besides; 0 keeps none")
