"""WeightMonitoringWrapper: are the weights of a component still healthy?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError
from metta.common.log import get_logger

_log = get_logger(__name__)

STATISTICS = (
    "norm",
    "dead_units",
    "largest_singular_value",
    "smallest_singular_value",
    "singular_value_ratio",
    "effective_rank",
    "collapsed_dimensions",
    "spectrum_slope",
    "clipped",
)


class WeightMonitoringWrapper(WrapperModule):
    """Looks at the weight matrices every ``interval`` optimizer steps and, if asked to, clips them after each step.

    Reported as ``_weight_statistics`` per matrix (parameters of two or more dimensions, seen as ``[out, rest]``); see
    ``weight_statistics``. The log warns when units die and when a norm passes ``norm_limit``. The limit of clipping is
    ``clip_value``, or ``clip_scale`` times the matrix's largest weight when it was first seen. Frozen components are
    watched, not clipped. In calls by hand a call in train mode is a step; clipping then comes before computing.
    """

    kind: ClassVar[str] = "weight_monitoring"
    aliases: ClassVar[tuple[str, ...]] = ("WeightMonitoringModule",)
    role: ClassVar[Role] = "monitoring"

    def __init__(
        self,
        inner: MettaModule,
        clip_value: float | None = None,
        monitor_health: bool = True,
        component_name: str | None = None,
        *,
        clip_scale: float | None = None,
        interval: int = 300,
        dead_threshold: float = 1e-6,
        norm_limit: float = 100.0,
        delta: float = 0.01,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if clip_value is not None and clip_scale is not None:
            raise ConfigError(f"{self.component_name} has clip_value and clip_scale; one of them says the limit.")
        for name, value in (("clip_value", clip_value), ("clip_scale", clip_scale), ("interval", interval)):
            if value is not None and not 0 < value < float("inf"):
                raise ConfigError(f"{name} of {self.component_name} is {value}; expected a number above 0.")
        if not 0 < delta < 1:
            raise ConfigError(f"delta of {self.component_name} is {delta}; expected a share between 0 and 1.")
        self.clip_value, self.clip_scale, self.monitor_health = clip_value, clip_scale, monitor_health
        self.interval, self.dead_threshold = interval, dead_threshold
        self.norm_limit, self.delta = norm_limit, delta
        self._limits: dict[str, float] = {}
        self._seen: Tensor | None = None
        self._steps = 0

    # --- when -----------------------------------------------------------------------------------------------------

    def before_call(self) -> None:
        if self.training:
            self.after_step()

    def after_step(self) -> None:
        """Clip, and look if it is time."""
        if not self.active:
            return
        self._clip()
        if self.monitor_health and self._steps % self.interval == 0:
            self._look()
        self._steps += 1

    # --- what -----------------------------------------------------------------------------------------------------

    def _matrices(self) -> dict[str, Tensor]:
        return {name: weight.detach() for name, weight in self.inner.named_parameters() if weight.ndim >= 2}

    def _limit(self, name: str, weight: Tensor) -> float | None:
        if self.clip_scale is None:
            return self.clip_value
        if name not in self._limits:
            self._limits[name] = self.clip_scale * float(weight.abs().max())
        return self._limits[name]

    def _clip(self) -> None:
        if (self.clip_value is None and self.clip_scale is None) or self.frozen:
            return
        for name, weight in self._matrices().items():
            limit = self._limit(name, weight)
            assert limit is not None
            weight.clamp_(-limit, limit)

    def _look(self) -> None:
        matrices = self._matrices()
        if not matrices:
            return
        before, rows = self._seen, list[Tensor]()
        for name, weight in matrices.items():
            limit = self._limit(name, weight)
            rows.append(weight_statistics(weight, dead_threshold=self.dead_threshold, delta=self.delta, limit=limit))
        self._seen = torch.stack(rows).cpu()
        for index, name in enumerate(matrices):
            norm, dead = self._seen[index, :2].tolist()
            known = 0.0 if before is None else float(before[index, 1])
            if dead > known:
                units = matrices[name].shape[0]
                _log.warning(
                    "%s: %d of %d units of %s are dead (weights below %g)",
                    self.component_name,
                    round(dead * units),
                    units,
                    name,
                    self.dead_threshold,
                )
            if norm > self.norm_limit and (before is None or float(before[index, 0]) <= self.norm_limit):
                _log.warning("%s: the norm of %s is %.4g, limit %g", self.component_name, name, norm, self.norm_limit)

    def report(self) -> dict[str, Any]:
        if not self.active or self._seen is None:
            return {}
        numbers = {
            f"{name}/{statistic}": value
            for name, row in zip(self._matrices(), self._seen.tolist(), strict=True)
            for statistic, value in zip(STATISTICS, row, strict=True)
        }
        return {"_weight_statistics": numbers}

    def wrapper_state(self) -> dict[str, Tensor]:
        state = {f"limit/{name}": torch.tensor(limit, dtype=torch.float64) for name, limit in self._limits.items()}
        if self._seen is not None:
            state["statistics"] = self._seen
        return {**state, "steps": torch.tensor(self._steps)}

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        self._steps, self._seen = int(state["steps"]), state.get("statistics")
        self._limits = {key[6:]: float(value) for key, value in state.items() if key.startswith("limit/")}


WeightMonitoringModule = WeightMonitoringWrapper


def weight_statistics(
    weight: Tensor, *, dead_threshold: float = 1e-6, delta: float = 0.01, limit: float | None = None
) -> Tensor:
    """``STATISTICS`` of one matrix, in that order.

    ``dead_units``: share of output units whose mean size of weight is below ``dead_threshold``. ``effective_rank``: how
    many singular values make up a share of 1 - ``delta`` of their sum. ``collapsed_dimensions``: share of the singular
    values beyond those. ``spectrum_slope``: of log singular value over log index. ``clipped``: share of weights at
    +-``limit``.

    Shapes: ``[out, ...]`` -> ``[9] float32``.
    Source: effective rank: Kumar et al. 2021, arXiv:2010.14498 sec. 3.
    """
    matrix = weight.detach().float().flatten(1)
    values = torch.linalg.svdvals(matrix)  # largest first
    largest, smallest = values[0], values[-1]
    total = values.sum().clamp(min=1e-30)
    rank = (values.cumsum(0) / total < 1 - delta).sum() + 1
    x = torch.arange(1, len(values) + 1, device=values.device, dtype=torch.float32).log()
    y = values.clamp(min=1e-30).log()
    x, y = x - x.mean(), y - y.mean()
    size = matrix.abs()
    return torch.stack(
        [
            matrix.norm(),
            (size.mean(1) < dead_threshold).float().mean(),
            largest,
            smallest,
            largest / smallest.clamp(min=1e-30),
            rank.float(),
            1 - rank / len(values),
            (x * y).sum() / x.square().sum().clamp(min=1e-30),
            torch.zeros_like(largest) if limit is None else (size >= limit).float().mean(),
        ]
    )
