"""Slow down what explodes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.rules.base import EpochView, Rule
from metta.rl.control.rules.rules_config import ExplodingGradientsConfig


class ExplodingGradients(Rule[ExplodingGradientsConfig]):
    """Multiplies a component's learning rate by ``factor`` after ``patience`` epochs above ``threshold``, and gives the
    rate from before back after ``calm_epochs`` epochs below it.
    """

    name: ClassVar[str] = "exploding_gradients"

    def __init__(self, config: ExplodingGradientsConfig) -> None:
        super().__init__(config)
        self._above: dict[str, int] = {}
        self._below: dict[str, int] = {}
        self._before: dict[str, float] = {}

    def observe(self, view: EpochView) -> TrainingControl | None:
        rates: dict[str, float | None] = {}
        for name, norm in view.gradient_norms.items():
            explodes = norm > self.config.threshold
            self._above[name] = self._above.get(name, 0) + 1 if explodes else 0
            self._below[name] = 0 if explodes else self._below.get(name, 0) + 1
            if self._above[name] >= self.config.patience:
                self._before.setdefault(name, view.rates[name])
                rates[name] = view.rates[name] * self.config.factor
                self._above[name] = 0
            elif name in self._before and self._below[name] >= self.config.calm_epochs:
                rates[name] = self._before.pop(name)
        return TrainingControl(component_lr=rates) if rates else None

    def state_dict(self) -> dict[str, Any]:
        return {"above": self._above, "below": self._below, "before": self._before}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._above, self._below, self._before = dict(state["above"]), dict(state["below"]), dict(state["before"])
