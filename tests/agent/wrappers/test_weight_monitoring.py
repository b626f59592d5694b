"""WeightMonitoringWrapper: figures against matrices whose singular values are known."""

from __future__ import annotations

import logging
import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.agent.wrappers.weight_monitoring import STATISTICS, WeightMonitoringWrapper, weight_statistics
from metta.common.errors import ConfigError


def statistics(weight: Tensor, **options: Any) -> dict[str, float]:
    return dict(zip(STATISTICS, weight_statistics(weight, **options).tolist(), strict=True))


def test_a_diagonal_matrix() -> None:
    found = statistics(torch.diag(torch.tensor([8.0, 4.0, 2.0, 0.0])), delta=0.2, limit=4.0)
    assert found["norm"] == pytest.approx(math.sqrt(84))
    assert found["dead_units"] == 0.25
    assert (found["largest_singular_value"], found["smallest_singular_value"]) == pytest.approx((8, 0))
    assert found["effective_rank"] == 2  # 12 of 14 are more than 80 %
    assert found["collapsed_dimensions"] == 0.5
    assert found["clipped"] == 2 / 16


def test_an_orthogonal_matrix_has_full_rank() -> None:
    weight = nn.init.orthogonal_(torch.empty(6, 6))
    found = statistics(weight)
    assert found["effective_rank"] == 6
    assert found["singular_value_ratio"] == pytest.approx(1, rel=1e-4)
    assert found["spectrum_slope"] == pytest.approx(0, abs=1e-4)
    assert found["collapsed_dimensions"] == 0


def test_a_power_law_has_its_slope() -> None:
    values = torch.arange(1, 9).float().pow(-1.5)
    assert statistics(torch.diag(values))["spectrum_slope"] == pytest.approx(-1.5, rel=1e-4)


def test_convolutions_are_matrices_of_their_outputs() -> None:
    weight = torch.randn(5, 2, 3, 3)
    torch.testing.assert_close(weight_statistics(weight), weight_statistics(weight.reshape(5, 18)))


def test_looks_every_interval_steps_and_reports(policy: LinearModule) -> None:
    wrapper = WeightMonitoringWrapper(policy, interval=3)
    assert wrapper.report() == {}
    norms = []
    for _ in range(4):
        wrapper.after_step()
        norms.append(wrapper.report()["_weight_statistics"]["linear.weight/norm"])
        with torch.no_grad():
            policy.linear.weight *= 2
    assert norms[0] == norms[1] == norms[2]
    assert norms[3] == pytest.approx(8 * norms[0])
    assert len(wrapper.report()["_weight_statistics"]) == len(STATISTICS)


def test_reports_are_state(policy: LinearModule) -> None:
    wrapper, resumed = WeightMonitoringWrapper(policy, interval=2), WeightMonitoringWrapper(policy, interval=2)
    for _ in range(3):
        wrapper.after_step()
    resumed.load_wrapper_state(wrapper.wrapper_state())
    assert resumed.report() == wrapper.report()


def test_clipping_by_value_and_by_first_weights(policy: LinearModule) -> None:
    first = float(policy.linear.weight.detach().abs().max())
    by_scale = WeightMonitoringWrapper(policy, clip_scale=2.0, interval=1)
    by_scale.after_step()
    with torch.no_grad():
        policy.linear.weight *= 10
        policy.linear.bias.add_(10)
    by_scale.after_step()
    assert float(policy.linear.weight.detach().abs().max()) == pytest.approx(2 * first)
    assert float(policy.linear.bias.detach().min()) == 10, "only matrices are clipped"
    assert by_scale.report()["_weight_statistics"]["linear.weight/clipped"] > 0
    WeightMonitoringWrapper(policy, clip_value=0.01).after_step()
    assert float(policy.linear.weight.detach().abs().max()) == pytest.approx(0.01)


def test_frozen_weights_are_watched_not_clipped(policy: LinearModule) -> None:
    wrapper, kept = WeightMonitoringWrapper(policy, clip_value=0.01), policy.linear.weight.detach().clone()
    NoGradWrapper(wrapper)
    wrapper.after_step()
    assert torch.equal(policy.linear.weight, kept)
    assert wrapper.report()


def test_calls_by_hand_clip_before_they_compute(policy: LinearModule, features: Tensor) -> None:
    wrapper = WeightMonitoringWrapper(policy, clip_value=0.01)
    wrapper({"features": features.requires_grad_()})["logits"].sum().backward()
    assert float(policy.linear.weight.detach().abs().max()) == pytest.approx(0.01)


def test_dead_units_and_large_norms_are_logged_once(policy: LinearModule, caplog: pytest.LogCaptureFixture) -> None:
    with torch.no_grad():
        policy.linear.weight[1:3] = 0
        policy.linear.weight[0] = 100
    wrapper = WeightMonitoringWrapper(policy, component_name="policy", interval=1)
    with caplog.at_level(logging.WARNING, "metta"):
        wrapper.after_step()
        wrapper.after_step()
    assert [record.getMessage() for record in caplog.records] == [
        "policy: 2 of 4 units of linear.weight are dead (weights below 1e-06)",
        "policy: the norm of linear.weight is 173.2, limit 100",
    ]


def test_settings_that_cannot_be_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match="has clip_value and clip_scale"):
        WeightMonitoringWrapper(policy, 1.0, clip_scale=1.0)
    with pytest.raises(ConfigError, match="interval of LinearModule is 0"):
        WeightMonitoringWrapper(policy, interval=0)
    with pytest.raises(ConfigError, match="delta of LinearModule is 1"):
        WeightMonitoringWrapper(policy, delta=1)
