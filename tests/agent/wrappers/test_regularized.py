"""RegularizedWrapper: penalties and their gradients, against pencil and paper."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import torch
from tensordict import TensorDict

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.wrappers.clipping import ClippingWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.agent.wrappers.regularized import RegularizedModule, RegularizedWrapper
from metta.common.errors import ConfigError


def by_hand() -> LinearModule:
    """Weight [[1, -2], [0.5, 0]], bias [3, -1]: sum of squares 15.25, of sizes 7.5."""
    component = LinearModule(2, 2, "x", "y")
    with torch.no_grad():
        component.linear.weight.copy_(torch.tensor([[1.0, -2.0], [0.5, 0.0]]))
        component.linear.bias.copy_(torch.tensor([3.0, -1.0]))
    return component


def backward(wrapper: RegularizedWrapper) -> tuple[float, torch.Tensor, torch.Tensor]:
    wrapper.zero_grad()
    loss = wrapper.auxiliary_loss()
    assert loss is not None
    loss.backward()
    weight, bias = wrapper.parameters()
    assert weight.grad is not None
    assert bias.grad is not None
    return float(loss.detach()), weight.grad, bias.grad


def test_l2() -> None:
    loss, weight, bias = backward(RegularizedWrapper(by_hand(), l2_scale=0.1))
    assert loss == pytest.approx(1.525)
    torch.testing.assert_close(weight, torch.tensor([[0.2, -0.4], [0.1, 0.0]]))
    torch.testing.assert_close(bias, torch.tensor([0.6, -0.2]))


def test_l1() -> None:
    loss, weight, bias = backward(RegularizedWrapper(by_hand(), l2_scale=0.0, l1_scale=0.1))
    assert loss == pytest.approx(0.75)
    torch.testing.assert_close(weight, torch.tensor([[0.1, -0.1], [0.1, 0.0]]))
    torch.testing.assert_close(bias, torch.tensor([0.1, -0.1]))


def test_l2_to_the_initial_weights() -> None:
    wrapper = RegularizedWrapper(by_hand(), l2_scale=0.0, l2_init_scale=0.5)
    assert backward(wrapper)[0] == 0
    with torch.no_grad():
        for parameter in wrapper.parameters():
            parameter += 2
    loss, weight, bias = backward(wrapper)
    assert loss == pytest.approx(0.5 * 6 * 4)
    assert weight.tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert bias.tolist() == [2.0, 2.0]


def test_initial_weights_are_those_at_first_use_and_may_follow() -> None:
    wrapper = RegularizedWrapper(
        by_hand(), l2_scale=0.0, l2_init_scale=1.0, l2_init_update_interval=2, l2_init_momentum=0.75
    )
    with torch.no_grad():
        wrapper.load_state_dict({name: value + 7 for name, value in wrapper.state_dict().items()})
        assert float(wrapper.auxiliary_loss() or 0) == 0
        for parameter in wrapper.parameters():
            parameter += 4
        wrapper.after_step()
        assert float(wrapper.auxiliary_loss() or 0) == 6 * 16
        wrapper.after_step()
        assert float(wrapper.auxiliary_loss() or 0) == pytest.approx(6 * 9)


def test_initial_weights_are_state() -> None:
    wrapper = RegularizedWrapper(by_hand(), l2_init_scale=1.0)
    wrapper.auxiliary_loss()
    with torch.no_grad():
        for parameter in wrapper.parameters():
            parameter += 1
    resumed = RegularizedWrapper(copy.deepcopy(wrapper.inner), l2_init_scale=1.0)
    resumed.load_wrapper_state(wrapper.wrapper_state())
    assert backward(resumed)[0] == backward(wrapper)[0] > 6


@pytest.mark.parametrize("as_tensordict", [False, True])
def test_calls_by_hand_carry_the_loss_through_other_wrappers(as_tensordict: bool) -> None:
    component = ClippingWrapper(RegularizedModule(by_hand(), l2_scale=0.1), y=(-1, 1))
    data = {"x": torch.randn(4, 2)}
    out = component(TensorDict(data, batch_size=[4]) if as_tensordict else data)
    assert float(out["regularization_loss"].detach().mean()) == pytest.approx(1.525)
    assert "regularization_loss" not in component.eval()({"x": torch.randn(4, 2)})


def test_networks_carry_the_sum() -> None:
    network = ComponentContainer()
    network.add_component("one", RegularizedWrapper(by_hand(), l2_scale=0.1))
    network.add_component("two", RegularizedWrapper(LinearModule(2, 2, "y", "z"), l1_scale=0.3))
    out = network({"x": torch.randn(4, 2)})
    with torch.no_grad():
        losses = [wrapper.auxiliary_loss() for wrapper in network.wrappers()]
    total = sum(float(loss) for loss in losses if loss is not None)
    assert float(out["regularization_loss"].detach()) == pytest.approx(total)


def test_a_frozen_component_has_no_penalty() -> None:
    wrapper = RegularizedWrapper(by_hand())
    freezer = NoGradWrapper(wrapper)
    assert wrapper.auxiliary_loss() is None
    freezer.active = False
    assert wrapper.auxiliary_loss() is not None
    wrapper.requires_grad_(False)
    assert wrapper.auxiliary_loss() is None


@pytest.mark.parametrize("setting", ["l1_scale", "l2_scale", "l2_init_scale"])
def test_negative_scales_are_refused(setting: str) -> None:
    config: dict[str, Any] = {setting: -1}
    with pytest.raises(ConfigError, match=rf"{setting} of LinearModule is -1; expected 0 \(off\) or more"):
        RegularizedWrapper(by_hand(), **config)
    with pytest.raises(ConfigError, match="l2_init_momentum=2"):
        RegularizedWrapper(by_hand(), l2_init_momentum=2)
