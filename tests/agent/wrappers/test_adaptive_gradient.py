"""AdaptiveGradientWrapper: the limit follows the gradients."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.adaptive_gradient import AdaptiveGradientWrapper
from metta.common.errors import ConfigError


def learn(wrapper: AdaptiveGradientWrapper, norm: float) -> float:
    """A minibatch whose gradient has that norm; the norm after clipping."""
    parameters = list(wrapper.parameters())
    for parameter in parameters:
        parameter.grad = torch.zeros_like(parameter)
    parameters[0].grad = torch.zeros_like(parameters[0])
    parameters[0].grad.view(-1)[0] = norm
    wrapper.after_backward()
    return float(nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None]))


def test_the_limit_grows_under_large_and_shrinks_under_small_gradients(policy: LinearModule) -> None:
    wrapper = AdaptiveGradientWrapper(policy, 1.0, 0.1, history=1)
    assert learn(wrapper, 10.0) == pytest.approx(1.1, rel=1e-4)
    assert wrapper.report() == {"_gradient_clip_actual": pytest.approx(1.1)}
    assert learn(wrapper, 0.1) == pytest.approx(0.1)
    assert wrapper.current_clip_value == pytest.approx(0.99)
    assert learn(wrapper, 1.0) == pytest.approx(0.99, rel=1e-4)
    assert wrapper.current_clip_value == pytest.approx(0.99)


def test_it_settles_within_a_factor_of_two(policy: LinearModule) -> None:
    wrapper = AdaptiveGradientWrapper(policy)
    for _ in range(200):
        learn(wrapper, 40.0)
    assert 20 * 0.99 <= wrapper.current_clip_value <= 40


def test_limits_of_the_limit(policy: LinearModule) -> None:
    wrapper = AdaptiveGradientWrapper(policy, min_clip_value=0.5, max_clip_value=2.0)
    for _ in range(100):
        learn(wrapper, 1e6)
    assert wrapper.current_clip_value == 2.0


def test_not_a_number_is_no_history(policy: LinearModule) -> None:
    wrapper = AdaptiveGradientWrapper(policy)
    learn(wrapper, float("inf"))
    assert not wrapper.gradient_history


def test_calls_by_hand_hear_norms_and_answer(policy: LinearModule, features: Tensor) -> None:
    wrapper = AdaptiveGradientWrapper(policy, component_name="policy")
    out = wrapper({"features": features, "_gradient_norms": {"policy": 12.0}})
    assert out["_adaptive_clip_policy"] == pytest.approx(1.1)
    assert torch.equal(out["logits"], policy._compute({"features": features})["logits"])
    assert list(wrapper.gradient_history) == [12.0]


def test_outputs_are_clamped_when_asked_for(policy: LinearModule, features: Tensor) -> None:
    out = AdaptiveGradientWrapper(policy, 0.1, clip_outputs=True)({"features": features})
    assert float(out["logits"].detach().abs().max()) == pytest.approx(0.1)


def test_limit_and_history_are_state(policy: LinearModule) -> None:
    wrapper, resumed = AdaptiveGradientWrapper(policy), AdaptiveGradientWrapper(policy)
    for norm in (3.0, 7.0, 0.3):
        learn(wrapper, norm)
    resumed.load_wrapper_state(wrapper.wrapper_state())
    assert learn(resumed, 5.0) == learn(wrapper, 5.0)
    assert resumed.gradient_history == wrapper.gradient_history


def test_settings_that_cannot_be_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match="expected 0 < min <= initial <= max"):
        AdaptiveGradientWrapper(policy, 0.0)
    with pytest.raises(ConfigError, match=r"adaptation_rate=1\.5"):
        AdaptiveGradientWrapper(policy, adaptation_rate=1.5)
