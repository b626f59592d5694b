"""Settings of the critic's loss over quantiles."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class QuantilePPOCriticConfig(LossConfig):
    """Quantile regression of the return; needs ``policy_architecture.critic_quantiles``."""

    implementation: ClassVar[str] = "metta.rl.loss.quantile_ppo_critic:QuantilePPOCriticLoss"
    claims: ClassVar[tuple[str, ...]] = ("critic",)
    type: Literal["quantile_ppo_critic"] = "quantile_ppo_critic"
    vf_coef: float = Field(default=1.0, ge=0, description="weight of the value loss within this loss")
    huber: float = Field(
        default=1.0, ge=0, description="errors below this are squared, larger ones count by their size; 0 = by size all"
    )
