"""GradientMonitoringWrapper."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.gradient_monitoring import GradientMonitoringWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.common.errors import ConfigError


def set_gradients(policy: LinearModule, scale: float = 1.0) -> None:
    """Gradients 3, -4 and ten zeros in the weight, none in the bias' place but 4 zeros."""
    policy.linear.weight.grad = torch.zeros(4, 3)
    policy.linear.weight.grad[0, :2] = scale * torch.tensor([3.0, -4.0])
    policy.linear.bias.grad = torch.zeros(4)


def test_figures_by_hand(policy: LinearModule) -> None:
    wrapper = GradientMonitoringWrapper(policy)
    assert wrapper.report() == {}
    set_gradients(policy)
    wrapper.after_backward()
    found = wrapper.report()["_gradient_statistics"]
    assert found["norm"] == pytest.approx(5)
    assert found["mean"] == pytest.approx(-1 / 16)
    assert found["variance"] == pytest.approx(25 / 16 - 1 / 256)
    assert found["max"] == 4
    assert found["zeros"] == pytest.approx(14 / 16)


def test_each_nth_minibatch_is_looked_at_and_the_rest_is_state(policy: LinearModule) -> None:
    wrapper = GradientMonitoringWrapper(policy, every=2)
    norms = []
    for scale in (1, 2, 3):
        set_gradients(policy, scale)
        wrapper.after_backward()
        norms.append(wrapper.report()["_gradient_statistics"]["norm"])
    assert norms == pytest.approx([5, 5, 15])
    resumed = GradientMonitoringWrapper(policy, every=2)
    resumed.load_wrapper_state(wrapper.wrapper_state())
    assert resumed.report() == wrapper.report()
    set_gradients(policy, 4)
    resumed.after_backward()
    assert resumed.report() == wrapper.report()


def test_frozen_or_switched_off_it_is_silent(policy: LinearModule) -> None:
    wrapper = GradientMonitoringWrapper(policy)
    set_gradients(policy)
    wrapper.after_backward()
    freezer = NoGradWrapper(wrapper)
    assert wrapper.report() == {}
    freezer.active, wrapper.active = False, False
    assert wrapper.report() == {}
    with pytest.raises(ConfigError, match="every of LinearModule's gradient_monitoring is 0"):
        GradientMonitoringWrapper(policy, every=0)
