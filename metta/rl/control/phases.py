"""Which phase a training is in, and when it moves on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from metta.agent.control.training_control import TrainingControl
from metta.common.errors import ConfigError
from metta.common.log import get_logger
from metta.common.suggest import did_you_mean
from metta.rl.control.phases_config import PhaseConfig, moving

_PATIENCE_WITH_NAMES = 10
"""Epochs after which a metric that no epoch had is taken for a misspelt one."""

_log = get_logger(__name__)


class Phases:
    """Walks through ``phases`` in their order. What it decides depends on counters and metrics alone.

    >>> phases = Phases({"warmup": PhaseConfig(until={"epochs": 1}), "rest": PhaseConfig()})
    >>> phases.begin(epoch=0, agent_step=0).training_phase
    'warmup'
    >>> phases.observe({}, epoch=1, agent_step=64)
    >>> phases.begin(epoch=1, agent_step=64).training_phase
    'rest'
    """

    def __init__(self, phases: Mapping[str, PhaseConfig]) -> None:
        self.names = list(phases)
        self._configs = list(phases.values())
        self._current: int | None = None
        self._next: int | None = 0 if phases else None
        self._began = (0, 0)
        self._held = 0
        self._seen: set[str] = set()

    @property
    def current(self) -> str | None:
        """Name of the phase that holds; None before the first epoch and without phases."""
        return None if self._current is None else self.names[self._current]

    def controls(self) -> dict[str, TrainingControl]:
        """What each phase wants, by name."""
        return {name: config.control() for name, config in zip(self.names, self._configs, strict=True)}

    def begin(self, epoch: int, agent_step: int) -> TrainingControl | None:
        """At an epoch's start: the control that begins the next phase, when one begins."""
        if self._next is None:
            return None
        before = None if self._current is None else self._configs[self._current].control()
        self._current, self._next = self._next, None
        self._began, self._held, self._seen = (epoch, agent_step), 0, set()
        entered = self._configs[self._current].control()
        if entered.training_phase is None:
            entered = TrainingControl.from_fields({**entered.stated(), "training_phase": self.names[self._current]})
        return moving(before, entered)

    def observe(self, metrics: Mapping[str, float], epoch: int, agent_step: int) -> None:
        """At an epoch's end, with its metrics and the counters behind it."""
        if self._current is None:
            return
        until = self._configs[self._current].until
        if until is None:
            return
        self._held = self._held + 1 if until.meets(metrics) else 0
        epochs, steps = epoch - self._began[0], agent_step - self._began[1]
        done = (
            (until.epochs is not None and epochs >= until.epochs)
            or (until.agent_steps is not None and steps >= until.agent_steps)
            or (bool(until.metrics) and self._held >= until.patience)
        )
        if done and self._current + 1 < len(self.names):
            self._next = self._current + 1
        self._ask_after_names(until.metrics or {}, metrics, epochs)

    def jump(self, name: str) -> None:
        """Let the phase called ``name`` begin at the next ``begin``.

        Raises:
            ConfigError: there is none.
        """
        if name not in self.names:
            raise ConfigError(
                f"training_phase={name}: no such phase; there are {self.names}.{did_you_mean(name, self.names)}"
            )
        self._next = self.names.index(name)

    def state_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        following = None if self._next is None else self.names[self._next]
        return {
            "current": self.current,
            "next": following,
            "began": list(self._began),
            "held": self._held,
            "seen": sorted(self._seen),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved state."""
        index = {name: place for place, name in enumerate(self.names)}
        self._current = None if state["current"] is None else index[state["current"]]
        self._next = None if state["next"] is None else index[state["next"]]
        self._began, self._held = tuple(state["began"]), state["held"]
        self._seen = set(state["seen"])

    def _ask_after_names(self, wanted: Mapping[str, str], metrics: Mapping[str, float], epochs: int) -> None:
        self._seen |= set(wanted) & set(metrics)
        if epochs == _PATIENCE_WITH_NAMES:
            for name in sorted(set(wanted) - self._seen):
                _log.warning(
                    "training phase %r waits for the metric %r, which none of its %d epochs had.%s",
                    self.current,
                    name,
                    epochs,
                    did_you_mean(name, metrics),
                )
