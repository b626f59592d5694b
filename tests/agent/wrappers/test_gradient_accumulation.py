"""GradientAccumulationWrapper: N minibatches are one step on their mean gradient."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.wrappers.gradient_accumulation import GradientAccumulationWrapper
from metta.agent.wrappers.no_grad import NoGradWrapper
from metta.common.errors import ConfigError


def loss_of(component: torch.nn.Module, x: Tensor) -> Tensor:
    return component._compute({"features": x})["logits"].square().mean()  # pyright: ignore[reportCallIssue]


def minibatch(wrapper: GradientAccumulationWrapper, optimizer: torch.optim.Optimizer, x: Tensor) -> None:
    optimizer.zero_grad(set_to_none=True)
    loss_of(wrapper, x).backward()
    wrapper.after_backward()
    optimizer.step()


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_n_minibatches_equal_one_step_on_the_mean_gradient(steps: int, policy: LinearModule) -> None:
    whole = copy.deepcopy(policy)
    wrapper = GradientAccumulationWrapper(policy, steps, "policy")
    batches = torch.randn(steps, 6, 3).unbind()
    optimizer = torch.optim.AdamW(policy.parameters(), lr=0.1)
    for index, x in enumerate(batches):
        minibatch(wrapper, optimizer, x)
        moved = not torch.equal(policy.linear.weight, whole.linear.weight)
        assert moved == (index == steps - 1)
    reference = torch.optim.AdamW(whole.parameters(), lr=0.1)
    torch.stack([loss_of(whole, x) for x in batches]).mean().backward()
    reference.step()
    for one, other in zip(policy.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-6, atol=1e-7)


def test_what_is_collected_is_state(policy: LinearModule) -> None:
    """Saved half-way and loaded into a copy, the step is the same, bit for bit."""
    x = torch.randn(3, 6, 3).unbind()
    wrapper = GradientAccumulationWrapper(policy, 3, "policy")
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.1)
    minibatch(wrapper, optimizer, x[0])
    twin = copy.deepcopy(policy)
    resumed = GradientAccumulationWrapper(twin, 3, "policy")
    resumed.load_wrapper_state(wrapper.wrapper_state())
    for batch in x[1:]:
        minibatch(wrapper, optimizer, batch)
        minibatch(resumed, torch.optim.SGD(twin.parameters(), lr=0.1), batch)
    assert torch.equal(twin.linear.weight, policy.linear.weight)
    assert wrapper.should_update


def test_freezing_drops_what_was_collected(policy: LinearModule) -> None:
    wrapper = GradientAccumulationWrapper(policy, 2, "policy")
    optimizer = torch.optim.SGD(policy.parameters(), lr=0.1)
    kept = policy.linear.weight.detach().clone()
    minibatch(wrapper, optimizer, torch.randn(6, 3))
    freezer = NoGradWrapper(wrapper, "policy")
    wrapper.after_backward()
    wrapper.after_backward()
    optimizer.step()
    assert torch.equal(policy.linear.weight, kept)
    assert wrapper.wrapper_state() == {"step": torch.tensor(0)}
    freezer.active = False
    minibatch(wrapper, optimizer, torch.randn(6, 3))
    assert torch.equal(policy.linear.weight, kept)
    minibatch(wrapper, optimizer, torch.randn(6, 3))
    assert not torch.equal(policy.linear.weight, kept)


def test_calls_by_hand_are_counted_and_reported(policy: LinearModule, features: Tensor) -> None:
    wrapper = GradientAccumulationWrapper(policy, 2, "policy")
    answers = [wrapper({"features": features})["_grad_accumulation_status"]["policy"] for _ in range(4)]
    assert [answer["should_update"] for answer in answers] == [False, True, False, True]
    assert answers[-1] == {"step": 4, "every": 2, "should_update": True}
    wrapper.eval()
    assert wrapper({"features": features})["_grad_accumulation_status"]["policy"]["step"] == 4


def test_impossible_numbers_are_refused(policy: LinearModule) -> None:
    with pytest.raises(ConfigError, match="accumulation_steps of policy is 0; expected at least 1"):
        GradientAccumulationWrapper(policy, 0, "policy")


def test_a_call_by_hand_and_its_backward_pass_are_one_minibatch() -> None:
    """A loop of one's own that calls both: the first mean is over all its minibatches too."""
    wrapper = GradientAccumulationWrapper(LinearModule(2, 1, "features", "values"), 3)
    handed_out: list[bool] = []
    for _ in range(6):
        wrapper.zero_grad()
        wrapper({"features": torch.ones(1, 2)})["values"].sum().backward()
        wrapper.after_backward()
        handed_out.append(wrapper.inner.get_parameter("linear.weight").grad is not None)
    assert handed_out == [False, False, True] * 2
    torch.testing.assert_close(wrapper.inner.get_parameter("linear.weight").grad, torch.ones(1, 2))
