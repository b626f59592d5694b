"""GradientClippingWrapper."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.gradient_clipping import GradientClippingWrapper
from metta.common.errors import ConfigError


def grads(module: nn.Module) -> list[torch.Tensor]:
    return [parameter.grad for parameter in module.parameters() if parameter.grad is not None]


def test_large_gradients_are_scaled_down_small_ones_left_alone(policy: LinearModule) -> None:
    wrapper = GradientClippingWrapper(policy, 0.5, "policy")
    for scale, expected in ((100.0, 0.5), (1e-4, None)):
        policy.zero_grad()
        (scale * wrapper._compute({"features": torch.ones(4, 3)})["logits"].sum()).backward()
        before = nn.utils.get_total_norm(grads(policy))
        wrapper.after_backward()
        after = nn.utils.get_total_norm(grads(policy))
        torch.testing.assert_close(float(after), expected or float(before), rtol=1e-4, atol=0)


def test_switched_off_it_does_nothing(policy: LinearModule) -> None:
    wrapper = GradientClippingWrapper(policy, 1e-3, active=False)
    wrapper._compute({"features": torch.ones(4, 3)})["logits"].sum().backward()
    wrapper.after_backward()
    assert nn.utils.get_total_norm(grads(policy)) > 1
    assert wrapper.report() == {}


def test_the_limit_is_reported(policy: LinearModule) -> None:
    assert GradientClippingWrapper(policy, 2.0).report() == {"_gradient_clip_actual": 2.0}


def test_impossible_limits_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match=r"max_norm of policy is -1.0; expected a number above 0"):
        GradientClippingWrapper(policy, -1.0, "policy")
