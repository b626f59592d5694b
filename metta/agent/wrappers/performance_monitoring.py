"""PerformanceMonitoringWrapper: time and memory of a component, targets and alerts."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from statistics import fmean
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError
from metta.common.log import get_logger
from metta.common.suggest import did_you_mean

_log = get_logger(__name__)
ALERTS = ("latency_ms", "memory_mb")


class PerformanceMonitoringWrapper(WrapperModule):
    """Measures each ``every``-th call and reports ``_performance_metrics``.

    ``latency_ms`` is the mean and ``latency_ms_max`` the largest of the last ``window`` measured calls; on a GPU the
    wrapper waits for the device around those. ``memory_mb``: on a GPU what the call allocated at most; on the CPU the
    component's parameters, buffers and newest outputs. ``alert_thresholds`` are limits on either: passing one is
    counted in ``alerts``, and logged when it begins. ``performance_targets`` are numbers that the trainer's metrics
    (``_performance_metrics`` in a TensorDict) should reach, by their name: reported as ``target/<name>``, the share
    reached. Times are not reproducible, so none of this is state.

    Units: milliseconds, MiB.
    """

    kind: ClassVar[str] = "performance_monitoring"
    aliases: ClassVar[tuple[str, ...]] = ("PerformanceMonitor",)
    role: ClassVar[Role] = "monitoring"

    def __init__(
        self,
        inner: MettaModule,
        performance_targets: Mapping[str, float] | None = None,
        alert_thresholds: Mapping[str, float] | None = None,
        component_name: str | None = None,
        *,
        every: int = 1,
        window: int = 100,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        self.performance_targets, self.alert_thresholds = dict(performance_targets or {}), dict(alert_thresholds or {})
        if every < 1 or window < 1:
            raise ConfigError(f"{self.component_name}: every={every}, window={window}; expected at least 1 call each.")
        for name in self.alert_thresholds:
            if name not in ALERTS:
                raise ConfigError(
                    f"alert_thresholds of {self.component_name} names {name!r}; there are {list(ALERTS)}."
                    f"{did_you_mean(name, ALERTS)}"
                )
        if zeros := [name for name, target in self.performance_targets.items() if target == 0]:
            raise ConfigError(
                f"performance_targets {zeros} of {self.component_name} are 0; a share of 0 says nothing. Use another "
                "number."
            )
        self.every = every
        self.calls = 0
        self.alerts = 0
        self._latencies: deque[float] = deque(maxlen=window)
        self._memory = 0.0
        self._alarmed: set[str] = set()

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        self.calls += 1
        if (self.calls - 1) % self.every:
            return self.inner._compute(td)
        before, device = 0, next((parameter.device for parameter in self.inner.parameters()), torch.device("cpu"))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            torch.cuda.reset_peak_memory_stats(device)
            before = torch.cuda.memory_allocated(device)
        start = time.perf_counter()
        outputs = self.inner._compute(td)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
            memory = torch.cuda.max_memory_allocated(device) - before
        else:
            tensors = [*self.inner.parameters(), *self.inner.buffers(), *outputs.values()]
            memory = sum(tensor.nbytes for tensor in tensors)
        self._latencies.append(1000 * (time.perf_counter() - start))
        self._memory = memory / 2**20
        self._check("latency_ms", self._latencies[-1])
        self._check("memory_mb", self._memory)
        return outputs

    def _check(self, name: str, value: float) -> None:
        limit = self.alert_thresholds.get(name)
        if limit is None or value <= limit:
            self._alarmed.discard(name)
            return
        self.alerts += 1
        if name not in self._alarmed:
            self._alarmed.add(name)
            _log.warning("component %r: %s is %.4g, above %g", self.component_name, name, value, limit)

    def report(self) -> dict[str, Any]:
        if not self.active or not self._latencies:
            return {}
        metrics = {
            "latency_ms": fmean(self._latencies),
            "latency_ms_max": max(self._latencies),
            "memory_mb": self._memory,
            "calls": float(self.calls),
            "alerts": float(self.alerts),
        }
        for name, target in self.performance_targets.items():
            reached = self.signals.performance.get(name)
            if isinstance(reached, int | float):
                metrics[f"target/{name}"] = reached / target
        return {"_performance_metrics": metrics}
