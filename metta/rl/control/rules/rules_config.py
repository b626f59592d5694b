"""Settings of the automatic rules. Torch-free; off by default, but for not-a-number."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from metta.agent.control.training_control import TrainingControl
from metta.common.config import Config


class ExplodingGradientsConfig(Config):
    """Slow a component down whose gradients explode, and give its rate back when they have calmed."""

    enabled: bool = False
    threshold: float = Field(default=10.0, gt=0, description="norm of a component's gradient, mean of an epoch")
    factor: float = Field(default=0.1, gt=0, lt=1, description="what its learning rate is multiplied by")
    patience: int = Field(default=1, ge=1, description="epochs in a row above the threshold before it acts")
    calm_epochs: int = Field(default=5, ge=1, description="epochs in a row below it before the rate comes back")


class VanishingGradientsConfig(Config):
    """Speed a component up whose gradients vanish."""

    enabled: bool = False
    threshold: float = Field(default=1e-5, gt=0, description="norm of a component's gradient, mean of an epoch")
    factor: float = Field(default=3.0, gt=1, description="what its learning rate is multiplied by")
    patience: int = Field(default=5, ge=1, description="epochs in a row below the threshold before it acts")
    max_factor: float = Field(default=10.0, gt=1, description="never beyond this multiple of the rate it began with")


class MemoryPressureConfig(Config):
    """Do something when memory runs short. What the machine decides is recorded, and a resumed run repeats it."""

    enabled: bool = False
    limit: float = Field(default=0.9, gt=0, le=1, description="share of the device's (or process's) memory in use")
    control: TrainingControl = Field(
        default_factory=TrainingControl, description="what to do then, such as {frozen_components:[encoder]}"
    )

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.enabled and not self.control.stated():
            raise ValueError("rules.memory_pressure is enabled, but its control says nothing. Set control.<field>.")
        return self


class NotANumberConfig(Config):
    """Stop the run, after saving its state and a diagnosis, when a loss, gradient or weight is not a number."""

    enabled: bool = True


class RulesConfig(Config):
    """What a training does of itself."""

    not_a_number: NotANumberConfig = NotANumberConfig()
    exploding_gradients: ExplodingGradientsConfig = ExplodingGradientsConfig()
    vanishing_gradients: VanishingGradientsConfig = VanishingGradientsConfig()
    memory_pressure: MemoryPressureConfig = MemoryPressureConfig()
