"""Activations by name."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.activation import (
    ACTIVATIONS,
    INITIALISATIONS,
    activation_named,
    gain_of,
    initialised,
)
from metta.common.errors import ConfigError


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_gradient_flows_behind_a_linear_layer(name: str) -> None:
    """Some functions write over their argument: autograd must not miss it."""
    layer, x = torch.nn.Linear(3, 4).double(), torch.randn(2, 3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda w: activation_named(name)(torch.nn.functional.linear(x, w)), layer.weight)


def test_none_is_the_identity() -> None:
    x = torch.randn(3)
    assert activation_named(None)(x) is x
    assert gain_of(None) == 1.0


def test_initialisations() -> None:
    limits = {"orthogonal": 2.0, "xavier": (6 / (40 + 30)) ** 0.5, "normal": 1.5, "small": 0.01}
    assert set(limits) == set(INITIALISATIONS)
    for name, limit in limits.items():
        layer = initialised(torch.nn.Linear(40, 30), name, gain=2.0)
        assert 0 < float(layer.weight.detach().abs().max()) <= limit
        assert not layer.bias.any()
    layer = initialised(torch.nn.Linear(40, 30), "orthogonal", gain=2.0)
    torch.testing.assert_close(layer.weight @ layer.weight.T, 4 * torch.eye(30), rtol=1e-4, atol=1e-4)
    with pytest.raises(ConfigError, match="Did you mean 'xavier'"):
        initialised(torch.nn.Linear(2, 2), "xaviar", 1.0)
