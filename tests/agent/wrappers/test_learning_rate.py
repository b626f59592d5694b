"""LearningRateWrapper: it asks, optimizers decide."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.learning_rate import LearningRateWrapper
from metta.common.errors import ConfigError


def test_rate_is_reported_and_outputs_are_untouched(policy: LinearModule, features: Tensor) -> None:
    out = LearningRateWrapper(policy, 1e-4, "policy")({"features": features})
    assert out["_component_lr_actual"] == out["_component_lr_requests"] == {"policy": 1e-4}
    assert torch.equal(out["logits"], policy._compute({"features": features})["logits"])


def test_switched_off_it_asks_for_nothing(policy: LinearModule) -> None:
    assert LearningRateWrapper(policy, 1e-4, active=False).report() == {}


@pytest.mark.parametrize("rate", [0.0, -1e-3, float("inf"), float("nan")])
def test_impossible_rates_are_refused(policy: LinearModule, rate: float) -> None:
    with pytest.raises(ConfigError, match=r"learning_rate of policy is .*; expected a number above 0"):
        LearningRateWrapper(policy, rate, "policy")
