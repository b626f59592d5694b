"""How the number of passes over a batch follows the policy's change. Knows no torch."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from metta.common.config import Config


class UpdateEpochsAutotuneConfig(Config):
    """More passes while they change the policy too little, fewer while too much. It looks at the metrics
    ``losses/approx_kl`` and ``losses/clipfrac`` only, never at the clock, so that a seed fixes it.
    """

    evaluation_epochs: int = Field(default=0, ge=0, description="epochs between two decisions; 0 = off")
    min_update_epochs: int = Field(default=1, ge=1, description="never fewer passes")
    max_update_epochs: int = Field(default=8, ge=1, description="never more passes")
    step_size: int = Field(default=1, ge=1, description="passes more or less in one decision")
    warmup_epochs: int = Field(default=2, ge=0, description="epochs at the start that are not looked at")
    cooldown_epochs: int = Field(default=2, ge=0, description="epochs after a change that are not looked at")
    target_kl: float = Field(default=0.015, gt=0, description="wanted mean approx_kl of an update")
    tolerance: float = Field(default=0.3, ge=0, lt=1, description="share of target_kl around it that is fine")
    max_clipfrac: float = Field(default=0.3, gt=0, le=1, description="fewer passes where more steps are clipped")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.min_update_epochs > self.max_update_epochs:
            raise ValueError(
                f"update_epochs_autotune: min_update_epochs={self.min_update_epochs} is above "
                f"max_update_epochs={self.max_update_epochs}."
            )
        return self

    @property
    def is_on(self) -> bool:
        """Whether the number of passes changes."""
        return self.evaluation_epochs > 0
