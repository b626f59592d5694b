"""Training phases as settings: what holds in each, and when the next one begins. Torch-free."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final, Self, cast

from pydantic import Field, StringConstraints, model_validator

from metta.agent.control.training_control import SIGNAL_KEYS, TrainingControl
from metta.common.config import Config

_THRESHOLD: Final = re.compile(r"\s*(>=|<=)\s*([+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)\s*")

Threshold = Annotated[str, StringConstraints(pattern=f"^{_THRESHOLD.pattern}$")]
"""``>= 0.5`` or ``<= 1e-3``."""


class Until(Config):
    """When a phase ends: at whichever of its conditions comes first. Steps and epochs count from the phase's start.

    >>> Until(metrics={"overview/reward": ">= 0.5"}, patience=3).meets({"overview/reward": 0.7})
    True
    """

    agent_steps: int | None = Field(default=None, ge=1, description="after this many agent-steps of the phase")
    epochs: int | None = Field(default=None, ge=1, description="after this many epochs of the phase")
    metrics: dict[str, Threshold] | None = Field(
        default=None, description='when all of these hold: {"overview/reward": ">= 0.5"}, names as in metrics.jsonl'
    )
    patience: int = Field(default=1, ge=1, description="epochs in a row in which the metrics must hold")

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.agent_steps is None and self.epochs is None and not self.metrics:
            raise ValueError("until has no condition. Give it agent_steps, epochs or metrics, or leave it out.")
        return self

    def meets(self, metrics: Mapping[str, float]) -> bool:
        """Whether all thresholds hold; a metric that an epoch does not have meets none."""
        return bool(self.metrics) and all(
            name in metrics and _holds(threshold, metrics[name]) for name, threshold in (self.metrics or {}).items()
        )


class PhaseConfig(TrainingControl):
    """One phase: what is to hold in it, by field or by signal (``component_lr`` or ``_component_lr``)."""

    until: Until | None = Field(default=None, description="when the next phase begins; absent: when told, or never")

    @model_validator(mode="before")
    @classmethod
    def _signals_are_fields(cls, data: Any) -> Any:
        if not isinstance(data, Mapping):
            return data
        given = cast(Mapping[str, Any], data)
        if twice := sorted(key for key in given if key in SIGNAL_KEYS and key[1:] in given):
            raise ValueError(f"{twice} are there twice, with and without underscore. Keep one of each.")
        return {key[1:] if key in SIGNAL_KEYS else key: value for key, value in given.items()}

    def control(self) -> TrainingControl:
        """What the phase wants, without its end."""
        return TrainingControl.from_fields({key: value for key, value in self.stated().items() if key != "until"})


def _holds(threshold: str, value: float) -> bool:
    match = _THRESHOLD.fullmatch(threshold)
    assert match is not None, "checked when the config was read"
    return value >= float(match[2]) if match[1] == ">=" else value <= float(match[2])


def moving(before: TrainingControl | None, after: TrainingControl) -> TrainingControl:
    """The control that goes from one phase to the next: what the first asked for and the second does not ends.

    >>> one, two = TrainingControl(frozen_components=("encoder",)), TrainingControl(component_lr={"policy": 1e-4})
    >>> moving(one, two).stated()
    {'component_lr': {'policy': 0.0001}, 'unfrozen_components': ['encoder']}
    """
    if before is None:
        return after
    wanted = after.stated()
    for field, off in _OFF.items():
        ended = dict.fromkeys(getattr(before, field) or {}, off)
        if ended:
            wanted[field] = {**ended, **(wanted.get(field) or {})}
    thawed = [name for name in before.frozen_components or () if name not in (after.frozen_components or ())]
    if thawed:
        wanted["unfrozen_components"] = list(dict.fromkeys([*thawed, *wanted.get("unfrozen_components", ())]))
    for field, none in (("eval_mode_components", []), ("output_clipping", {}), ("agent_populations", {})):
        if getattr(before, field):
            wanted.setdefault(field, none)
    for field, opposite in (
        ("activate_wrappers", "deactivate_wrappers"),
        ("deactivate_wrappers", "activate_wrappers"),
    ):
        _switch_back(getattr(before, field) or {}, wanted, field, opposite)
    return TrainingControl.from_fields(wanted)


_OFF: Final[dict[str, Any]] = {
    "component_lr": None,
    "gradient_accumulation": 1,
    "gradient_clip": 0.0,
    "parameter_sharing": "population",
    "sync_frequency": 0,
}
"""What ends each of the settings by component."""


def _switch_back(before: Mapping[str, tuple[str, ...]], wanted: dict[str, Any], field: str, opposite: str) -> None:
    for name, kinds in before.items():
        kept = wanted.get(field, {}).get(name, ())
        there = wanted.get(opposite, {}).get(name, ())
        ended = [kind for kind in kinds if kind not in kept and kind not in there]
        if ended:
            wanted[opposite] = {**wanted.get(opposite, {}), name: [*there, *ended]}
