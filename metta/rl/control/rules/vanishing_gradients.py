"""Speed up what hardly moves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.rules.base import EpochView, Rule
from metta.rl.control.rules.rules_config import VanishingGradientsConfig


class VanishingGradients(Rule[VanishingGradientsConfig]):
    """Multiplies a component's learning rate by ``factor`` after ``patience`` epochs below ``threshold``, never beyond
    ``max_factor`` times the rate it had before the first time.
    """

    name: ClassVar[str] = "vanishing_gradients"

    def __init__(self, config: VanishingGradientsConfig) -> None:
        super().__init__(config)
        self._below: dict[str, int] = {}
        self._first: dict[str, float] = {}

    def observe(self, view: EpochView) -> TrainingControl | None:
        rates: dict[str, float | None] = {}
        for name, norm in view.gradient_norms.items():
            self._below[name] = self._below.get(name, 0) + 1 if norm < self.config.threshold else 0
            if self._below[name] < self.config.patience:
                continue
            self._below[name] = 0
            most = self._first.setdefault(name, view.rates[name]) * self.config.max_factor
            if view.rates[name] < most:
                rates[name] = min(view.rates[name] * self.config.factor, most)
        return TrainingControl(component_lr=rates) if rates else None

    def state_dict(self) -> dict[str, Any]:
        return {"below": self._below, "first": self._first}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._below, self._first = dict(state["below"]), dict(state["first"])
