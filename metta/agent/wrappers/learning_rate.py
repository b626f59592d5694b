"""LearningRateWrapper: the learning rate that a component asks for."""

from __future__ import annotations

from typing import Any, ClassVar

from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError


class LearningRateWrapper(WrapperModule):
    """Says at which rate the component is to learn. Rates live in the optimizer: the trainer reads the report and sets
    the rate of the group of that name, which its schedule goes on multiplying.

    Units: ``learning_rate`` before the schedule's factor.
    """

    kind: ClassVar[str] = "learning_rate"
    role: ClassVar[Role] = "training"

    def __init__(
        self, inner: MettaModule, learning_rate: float, component_name: str | None = None, *, active: bool = True
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if not 0 < learning_rate < float("inf"):
            raise ConfigError(f"learning_rate of {self.component_name} is {learning_rate}; expected a number above 0.")
        self.learning_rate = learning_rate

    def report(self) -> dict[str, Any]:
        if not self.active:
            return {}
        return {"_component_lr_requests": self.learning_rate, "_component_lr_actual": self.learning_rate}
