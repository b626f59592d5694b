"""Settings of contrastive prediction of later states."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class ContrastiveConfig(LossConfig):
    """InfoNCE: tell the state some steps later from those of other agents and times."""

    implementation: ClassVar[str] = "metta.rl.loss.contrastive:ContrastiveLoss"
    type: Literal["contrastive"] = "contrastive"
    weight: float = Field(default=0.01, ge=0, description="factor of this loss in the total")
    temperature: float = Field(default=0.2, gt=0, description="similarities, -1 to 1, are divided by this")
    discount: float = Field(
        default=0.95, gt=0, lt=1, description="k steps ahead is drawn with probability ~ discount^k"
    )
    num_pairs: int = Field(default=512, ge=2, description="pairs of a minibatch; each is a negative of all others")
    projection_size: int = Field(default=64, ge=1, description="width of the space in which states are compared")
