"""Two components, one set of weights."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.linear import MLP, LinearModule
from metta.agent.parameter_sharing import share_parameters
from metta.common.errors import ShapeContractError


def test_shared_parameters_move_together_and_add_up_gradients() -> None:
    owner, sharer = MLP(3, [4, 2]), MLP(3, [4, 2])
    share_parameters(sharer, owner)
    x = torch.randn(5, 3)
    (owner({"features": x})["hidden"].sum() + 2 * sharer({"features": x})["hidden"].sum()).backward()
    both = [parameter.grad.clone() for parameter in owner.parameters() if parameter.grad is not None]
    owner.zero_grad()
    owner({"features": x})["hidden"].sum().backward()
    for grad, parameter in zip(both, owner.parameters(), strict=True):
        assert parameter.grad is not None
        torch.testing.assert_close(grad, 3 * parameter.grad)
    with torch.no_grad():
        next(owner.parameters()).mul_(2)
    assert torch.equal(sharer({"features": x})["hidden"], owner({"features": x})["hidden"])


def test_other_shapes_are_refused_and_nothing_is_changed() -> None:
    owner, sharer = LinearModule(3, 4), LinearModule(3, 5)
    with pytest.raises(ShapeContractError, match=r"linear.bias \(4,\) and \(5,\)"):
        share_parameters(sharer, owner)
    assert sharer.linear.weight is not owner.linear.weight
