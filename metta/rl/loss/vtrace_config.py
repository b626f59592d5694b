"""Settings of V-trace actor-critic."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from metta.rl.loss.loss_config import LossConfig


class VTraceConfig(LossConfig):
    """Policy gradient, value and entropy with V-trace targets, in place of ppo_actor and ppo_critic."""

    implementation: ClassVar[str] = "metta.rl.loss.vtrace:VTraceLoss"
    claims: ClassVar[tuple[str, ...]] = ("actor", "critic")
    type: Literal["vtrace"] = "vtrace"
    rho_clip: float = Field(default=1.0, gt=0, description="largest importance ratio of a correction")
    c_clip: float = Field(default=1.0, gt=0, description="largest importance ratio of what is carried back in time")
    vtrace_lambda: float = Field(default=1.0, ge=0, le=1, description="share of a correction that is carried back")
    vf_coef: float = Field(default=0.5, ge=0, description="weight of the value loss")
    ent_coef: float = Field(default=0.01, ge=0, description="weight of the entropy bonus")
    normalize_advantages: bool = Field(default=False, description="mean 0, deviation 1 within each minibatch")

    @model_validator(mode="after")
    def _check_clips(self) -> Self:
        if self.rho_clip < self.c_clip:
            raise ValueError(
                f"rho_clip={self.rho_clip} is below c_clip={self.c_clip}: what is carried back would be trusted more "
                "than the step itself. Lower c_clip"
            )
        return self
