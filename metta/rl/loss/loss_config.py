"""Configs of the losses. A field of ``LossesConfig`` is a loss; they are summed in the order of its fields."""

from __future__ import annotations

from pydantic import Field

from metta.common.config import Config


class LossConfig(Config):
    """What every loss has."""

    enabled: bool = Field(default=True, description="false leaves this loss out")
    weight: float = Field(default=1.0, ge=0, description="factor of this loss in the total")


class PPOActorConfig(LossConfig):
    """Clipped surrogate with an entropy bonus, arXiv:1707.06347 eq. 7."""

    clip_coef: float = Field(default=0.2, gt=0, description="how far the probability ratio may leave 1")
    ent_coef: float = Field(default=0.01, ge=0, description="weight of the entropy bonus")


class PPOCriticConfig(LossConfig):
    """Squared error of the value, optionally clipped around the value of the rollout."""

    vf_coef: float = Field(default=1.0, ge=0, description="weight of the value loss within this loss")
    clip_vloss: bool = Field(default=False, description="clip the change of the value like the actor's ratio")
    vf_clip_coef: float = Field(default=0.2, gt=0, description="largest change of a value that is still rewarded")


class LossesConfig(Config):
    """The losses of a training run, summed by weight in this order."""

    ppo_actor: PPOActorConfig = PPOActorConfig()
    ppo_critic: PPOCriticConfig = PPOCriticConfig()
