"""MemoryOptimizationWrapper: same numbers, less remembered."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import MLP
from metta.agent.module import MettaModule
from metta.agent.wrappers.base import wrappers_of
from metta.agent.wrappers.memory_optimization import MemoryOptimizationWrapper
from metta.agent.wrappers.registry import wrap


def grads(component: MettaModule) -> list[Tensor]:
    return [parameter.grad for parameter in component.parameters() if parameter.grad is not None]


@pytest.mark.parametrize(
    "below",
    [
        [],
        [{"type": "training_phase", "config": {"phase_behaviors": {"training": {"input_noise": 0.5}}, "seed": 3}}],
        [{"type": "normalization", "config": {"norm_type": "running"}}],
        ["no_grad"],
    ],
)
def test_outputs_gradients_and_state_are_equal(below: list[str]) -> None:
    torch.manual_seed(0)
    plain = wrap(MLP(3, [16, 4]), below)
    saving = MemoryOptimizationWrapper(copy.deepcopy(plain))
    for seed in range(2):  # running statistics matter from the second pass on
        x = torch.randn(5, 3, generator=torch.Generator().manual_seed(seed))
        for component in (plain, saving):
            component.zero_grad()
        inputs = [x.clone().requires_grad_() for _ in range(2)]
        one = plain._compute({"features": inputs[0]})["hidden"]
        other = saving._compute({"features": inputs[1]})["hidden"]
        assert torch.equal(one, other)
        one.square().sum().backward()
        other.square().sum().backward()
        assert all(torch.equal(a, b) for a, b in zip(grads(plain), grads(saving), strict=True))
        assert inputs[0].grad is not None
        assert inputs[1].grad is not None
        assert torch.equal(inputs[0].grad, inputs[1].grad)
    if below:
        one_state, other_state = (wrappers_of(component)[-1].wrapper_state() for component in (plain, saving))
        assert one_state.keys() == other_state.keys()
        assert all(torch.equal(one_state[key], other_state[key]) for key in one_state)


def test_a_wrapper_above_may_freeze() -> None:
    """The second computation is frozen as the first one was, and leaves the parameters as they are."""
    component = wrap(MLP(3, [16, 4]), ["memory_optimization", "no_grad"])
    x = torch.randn(5, 3, requires_grad=True)
    component._compute({"features": x})["hidden"].square().sum().backward()
    assert x.grad is not None
    assert not grads(component)
    assert all(parameter.requires_grad for parameter in component.parameters())


def test_less_is_kept_for_the_backward_pass() -> None:
    def kept(component: MettaModule) -> int:
        sizes: list[int] = []

        def pack(tensor: Tensor) -> Tensor:
            sizes.append(tensor.nbytes)
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            component._compute({"features": torch.randn(64, 3)})
        return sum(sizes)

    mlp = MLP(3, [32, 32, 32])
    assert kept(MemoryOptimizationWrapper(mlp)) < kept(mlp) / 4
