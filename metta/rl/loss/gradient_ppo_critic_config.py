"""Settings of the critic's loss of gradient-corrected temporal differences."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class GradientPPOCriticConfig(LossConfig):
    """TDRC(lambda): temporal differences whose gradient also goes through the value of what follows."""

    implementation: ClassVar[str] = "metta.rl.loss.gradient_ppo_critic:GradientPPOCriticLoss"
    claims: ClassVar[tuple[str, ...]] = ("critic",)
    type: Literal["gradient_ppo_critic"] = "gradient_ppo_critic"
    vf_coef: float = Field(default=1.0, ge=0, description="weight of the value loss within this loss")
    aux_coef: float = Field(default=1.0, gt=0, description="weight of the loss of the auxiliary head")
    beta: float = Field(default=1.0, ge=0, description="weight of the auxiliary head's squared weights")
    gae_lambda: float | None = Field(default=None, ge=0, le=1, description="lambda; unset: trainer.gae_lambda")
