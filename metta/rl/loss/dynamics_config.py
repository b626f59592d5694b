"""Settings of the prediction of returns and rewards."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class DynamicsConfig(LossConfig):
    """Predict reward and return of an action from the state that it was chosen in."""

    implementation: ClassVar[str] = "metta.rl.loss.dynamics:DynamicsLoss"
    type: Literal["dynamics"] = "dynamics"
    weight: float = Field(default=0.1, ge=0, description="factor of this loss in the total")
    returns_coef: float = Field(default=1.0, ge=0, description="weight of the prediction of the return")
    reward_coef: float = Field(default=1.0, ge=0, description="weight of the prediction of the reward")
    hidden_size: int = Field(default=64, ge=1, description="width of the layer between state and action and prediction")
