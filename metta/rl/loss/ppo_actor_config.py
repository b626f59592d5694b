"""Settings of the actor's loss of proximal policy optimisation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class PPOActorConfig(LossConfig):
    """Clipped surrogate with an entropy bonus, arXiv:1707.06347 eq. 7."""

    implementation: ClassVar[str] = "metta.rl.loss.ppo_actor:PPOActorLoss"
    claims: ClassVar[tuple[str, ...]] = ("actor",)
    type: Literal["ppo_actor"] = "ppo_actor"
    clip_coef: float = Field(default=0.2, gt=0, description="how far the probability ratio may leave 1")
    ent_coef: float = Field(default=0.01, ge=0, description="weight of the entropy bonus")
