"""Coefficients that change while a training runs. Knows no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config


@dataclass(frozen=True, slots=True)
class Clock:
    """Where a training stands. ``progress`` is 0 at its start and 1 at ``total_timesteps``; units: ``agent_step``
    agent-steps, ``epoch`` finished epochs.
    """

    progress: float
    agent_step: int
    epoch: int


class ScheduleConfig(Config):
    """A value as a function of progress, steps, epochs or a metric, given by points ``(where, value)``.

    Before the first point and after the last one the value stays. ``by: metric`` reads the last epoch's ``metric``,
    smoothed; until there is one, the first point's value holds.

    >>> ScheduleConfig(points=((0.0, 1.0), (0.5, 0.0))).value_at(0.25)
    0.5
    >>> ScheduleConfig(points=((0.0, 1.0), (1.0, 0.01)), style="exponential").value_at(0.5)
    0.1
    """

    by: Literal["progress", "steps", "epochs", "metric"] = Field(
        default="progress", description="what the first number of a point is: 0..1, agent-steps, epochs or a metric"
    )
    metric: str | None = Field(default=None, description="name of the metric, with by: metric")
    smoothing: float = Field(
        default=0.0, ge=0, lt=1, description="share of the old average that stays when a metric is averaged"
    )
    style: Literal["linear", "cosine", "exponential", "step"] = Field(
        default="linear", description="how the value goes from one point to the next; step: at once, at the next point"
    )
    points: tuple[tuple[float, float], ...] = Field(min_length=1, description="[[where, value], ...], where rising")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if (self.by == "metric") != (self.metric is not None):
            raise ValueError("metric and by: metric belong together: give both or none")
        if any(second[0] <= first[0] for first, second in pairwise(self.points)):
            raise ValueError(f"the first numbers of points must rise, got {[where for where, _ in self.points]}")
        if self.style == "exponential" and any(value <= 0 for _, value in self.points):
            raise ValueError("style exponential needs values above 0; end with a small one, or use linear")
        return self

    def value_at(self, where: float) -> float:
        """The value at ``where``."""
        if where <= self.points[0][0]:
            return self.points[0][1]
        for (begin, old), (end, new) in pairwise(self.points):
            if where < end:
                return self._between((where - begin) / (end - begin), old, new)
        return self.points[-1][1]

    def _between(self, share: float, old: float, new: float) -> float:
        if self.style == "step":
            return old
        if self.style == "exponential":
            return math.exp((1 - share) * math.log(old) + share * math.log(new))
        if self.style == "cosine":
            share = 0.5 * (1 - math.cos(math.pi * share))
        return old + share * (new - old)


@dataclass(slots=True)
class Schedules:
    """Some schedules with the averages of the metrics that they follow; the averages are state."""

    configs: Mapping[str, ScheduleConfig]
    averages: dict[str, float] = field(default_factory=dict[str, float])

    def values(self, clock: Clock) -> dict[str, float]:
        """Each schedule's value now."""
        return {name: config.value_at(self._where(name, config, clock)) for name, config in self.configs.items()}

    def observe(self, metrics: Mapping[str, float]) -> None:
        """Take an epoch's metrics in. One without the metric changes nothing."""
        for name, config in self.configs.items():
            if config.metric is not None and (new := metrics.get(config.metric)) is not None:
                old = self.averages.get(name, new)
                self.averages[name] = config.smoothing * old + (1 - config.smoothing) * new

    def _where(self, name: str, config: ScheduleConfig, clock: Clock) -> float:
        if config.by == "metric":
            return self.averages.get(name, config.points[0][0])
        return {"progress": clock.progress, "steps": clock.agent_step, "epochs": clock.epoch}[config.by]
