"""Settings of the pull on weights."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig


class L2Config(LossConfig):
    """Pull the policy's weights to zero, or back to what they were when the training began."""

    implementation: ClassVar[str] = "metta.rl.loss.l2:L2Loss"
    type: Literal["l2"] = "l2"
    weight: float = Field(default=1e-4, ge=0, description="factor of this loss in the total")
    towards: Literal["zero", "initial"] = Field(default="zero", description="where the weights are pulled")
    components: tuple[str, ...] = Field(default=(), description="components of the network it acts on; none = all")
    biases: bool = Field(default=False, description="pull vectors and scalars too, not only matrices")
