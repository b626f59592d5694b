"""What a rule is: it looks at an epoch and may ask for something."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Generic, TypeVar

from metta.agent.control.training_control import TrainingControl

Settings = TypeVar("Settings")


@dataclass(frozen=True, slots=True)
class EpochView:
    """What a rule sees of an epoch that has ended.

    ``gradient_norms``: mean 2-norm by component, before clipping, those that learned only. ``rates``: learning rate by
    component before the schedule's factor.
    """

    epoch: int
    gradient_norms: Mapping[str, float] = field(default_factory=dict[str, float])
    rates: Mapping[str, float] = field(default_factory=dict[str, float])
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


class Rule(Generic[Settings]):
    """Base of all rules: one small object each, with a config of its own under ``trainer.rules.<name>``."""

    name: ClassVar[str] = "rule"
    determined: ClassVar[bool] = True
    """Whether it decides by what config and seed determine. If not, its decisions are recorded and replayed."""

    def __init__(self, config: Settings) -> None:
        self.config = config

    def observe(self, view: EpochView) -> TrainingControl | None:
        """At an epoch's end: what is to hold from the next epoch on, or None."""
        return None

    def state_dict(self) -> dict[str, Any]:
        """What it remembers, as plain JSON."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
