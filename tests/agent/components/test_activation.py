"""Activations by name."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.activation import ACTIVATIONS, activation_named, gain_of


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_gradient_flows_behind_a_linear_layer(name: str) -> None:
    """Some functions write over their argument: autograd must not miss it."""
    layer, x = torch.nn.Linear(3, 4).double(), torch.randn(2, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda w: activation_named(name)(torch.nn.functional.linear(x, w)), layer.weight)


def test_none_is_the_identity() -> None:
    x = torch.randn(3)
    assert activation_named(None)(x) is x
    assert gain_of(None) == 1.0
