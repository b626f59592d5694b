"""Settings of the prediction of later states."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class LatentEMAConfig(LossConfig):
    """Predict the next states, as a slowly following copy of the policy sees them."""

    implementation: ClassVar[str] = "metta.rl.loss.latent_ema:LatentEMALoss"
    type: Literal["latent_ema"] = "latent_ema"
    weight: float = Field(default=0.1, ge=0, description="factor of this loss in the total")
    horizon: int = Field(default=2, ge=1, description="steps ahead that are predicted, one from the other")
    ema_decay: float = Field(default=0.99, ge=0, lt=1, description="share of the copy that stays at an optimizer step")
    hidden_size: int = Field(default=64, ge=1, description="width of the layer between state and action and next state")
