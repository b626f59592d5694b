"""PerformanceMonitoringWrapper."""

from __future__ import annotations

import logging
import time

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.performance_monitoring import PerformanceMonitoringWrapper
from metta.common.errors import ConfigError


class Sleeper(MettaModule):
    """Takes its time."""

    def __init__(self, seconds: float) -> None:
        super().__init__(["x"], ["y"])
        self.seconds = seconds

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        time.sleep(self.seconds)
        return {"y": td["x"]}


def test_latency_is_measured() -> None:
    wrapper = PerformanceMonitoringWrapper(Sleeper(0.02))
    metrics = wrapper({"x": torch.zeros(1)})["_performance_metrics"]["Sleeper"]
    assert 20 <= metrics["latency_ms"] == metrics["latency_ms_max"] < 2000
    assert metrics["calls"] == 1


def test_memory_on_the_cpu_is_weights_and_outputs(policy: LinearModule) -> None:
    wrapper = PerformanceMonitoringWrapper(policy)
    wrapper._compute({"features": torch.zeros(1000, 3)})
    metrics = wrapper.report()["_performance_metrics"]
    assert metrics["memory_mb"] == pytest.approx((16 + 4000) * 4 / 2**20)


def test_alerts_are_counted_and_logged_when_they_begin(caplog: pytest.LogCaptureFixture) -> None:
    sleeper = Sleeper(0.005)
    wrapper = PerformanceMonitoringWrapper(sleeper, alert_thresholds={"latency_ms": 4}, component_name="slow")
    with caplog.at_level(logging.WARNING, "metta"):
        wrapper({"x": torch.zeros(1)})
        wrapper({"x": torch.zeros(1)})
    assert wrapper.report()["_performance_metrics"]["alerts"] == 2
    (message,) = [record.getMessage() for record in caplog.records]
    assert message.startswith("component 'slow': latency_ms is ")
    assert message.endswith(", above 4")


def test_only_each_nth_call_is_measured(policy: LinearModule, features: Tensor) -> None:
    wrapper = PerformanceMonitoringWrapper(policy, every=3)
    for _ in range(7):
        wrapper._compute({"features": features})
    assert len(wrapper._latencies) == 3
    assert wrapper.report()["_performance_metrics"]["calls"] == 7


def test_targets_are_shares_of_the_trainers_metrics(policy: LinearModule, features: Tensor) -> None:
    wrapper = PerformanceMonitoringWrapper(policy, {"overview/reward": 4.0, "unknown": 1.0}, component_name="policy")
    out = wrapper({"features": features, "_performance_metrics": {"overview/reward": 3.0}})
    assert out["_performance_metrics"]["policy"]["target/overview/reward"] == 0.75
    assert "target/unknown" not in out["_performance_metrics"]["policy"]


def test_switched_off_it_measures_nothing(policy: LinearModule, features: Tensor) -> None:
    wrapper = PerformanceMonitoringWrapper(policy, active=False)
    wrapper({"features": features})
    assert wrapper.report() == {}
    assert wrapper.calls == 0


def test_settings_that_cannot_be_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match=r"alert_thresholds of LinearModule names 'latency'.*'latency_ms'"):
        PerformanceMonitoringWrapper(policy, alert_thresholds={"latency": 1})
    with pytest.raises(ConfigError, match="a share of 0 says nothing"):
        PerformanceMonitoringWrapper(policy, {"reward": 0})
    with pytest.raises(ConfigError, match="every=0"):
        PerformanceMonitoringWrapper(policy, every=0)
