"""Settings of group-relative policy optimisation."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class GRPOConfig(LossConfig):
    """Clipped surrogate whose baseline is the mean of a group of agents, in place of ppo_actor and without a critic."""

    implementation: ClassVar[str] = "metta.rl.loss.grpo:GRPOLoss"
    claims: ClassVar[tuple[str, ...]] = ("actor",)
    type: Literal["grpo"] = "grpo"
    clip_coef: float = Field(default=0.2, gt=0, description="how far the probability ratio may leave 1")
    ent_coef: float = Field(default=0.01, ge=0, description="weight of the entropy bonus")
    kl_coef: float = Field(default=0.0, ge=0, description="weight of the divergence from the policy of the rollout")
    group_environments: int = Field(
        default=0,
        ge=0,
        description="consecutive environments whose agents are compared with each other: 1 = the agents of one "
        "environment, 0 = all of the batch",
    )
    same_agent: bool = Field(
        default=False, description="compare an agent only with those of the same number in other environments"
    )
    scale: bool = Field(default=True, description="divide by the group's deviation; false leaves rewards their size")
