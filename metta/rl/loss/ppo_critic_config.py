"""Settings of the critic's loss of proximal policy optimisation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class PPOCriticConfig(LossConfig):
    """Squared error of the value, optionally clipped around the value of the rollout."""

    implementation: ClassVar[str] = "metta.rl.loss.ppo_critic:PPOCriticLoss"
    claims: ClassVar[tuple[str, ...]] = ("critic",)
    type: Literal["ppo_critic"] = "ppo_critic"
    vf_coef: float = Field(default=1.0, ge=0, description="weight of the value loss within this loss")
    clip_vloss: bool = Field(default=False, description="clip the change of the value like the actor's ratio")
    vf_clip_coef: float = Field(default=0.2, gt=0, description="largest change of a value that is still rewarded")
