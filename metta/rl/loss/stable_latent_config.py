"""Settings of the pull towards states that change slowly."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class StableLatentConfig(LossConfig):
    """Keep the state from changing more than it has to within an episode."""

    implementation: ClassVar[str] = "metta.rl.loss.stable_latent:StableLatentLoss"
    type: Literal["stable_latent"] = "stable_latent"
    weight: float = Field(default=0.001, ge=0, description="factor of this loss in the total")
    key: str | None = Field(
        default=None, description="output of the network to hold still; unset: what the actor reads"
    )
