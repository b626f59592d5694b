"""ResidualMLP."""

from __future__ import annotations

import pytest
import torch
from torch.nn.functional import layer_norm, silu

from metta.agent.components.residual_mlp import ResidualMLP
from metta.common.errors import ConfigError


def test_equals_its_definition() -> None:
    mlp, x = ResidualMLP(5, 8, 8), torch.randn(2, 3, 5)
    out = mlp({"features": x})["hidden"]
    h = silu(layer_norm(mlp.stem(x), (8,)))
    for block in range(2):
        branch = h
        for layer in list(mlp.layers)[4 * block : 4 * block + 4]:
            branch = silu(layer_norm(layer(branch), (8,)))
        h = h + branch
    torch.testing.assert_close(out, h)


def test_gradients_reach_all_parameters() -> None:
    mlp = ResidualMLP(5, 8, 8, activation="relu")
    mlp({"features": torch.randn(3, 5)})["hidden"].sum().backward()
    assert all(parameter.grad is not None for parameter in mlp.parameters())


@pytest.mark.parametrize("depth", [0, 3, 6])
def test_depth_is_in_fours(depth: int) -> None:
    with pytest.raises(ConfigError, match=f"depth={depth}"):
        ResidualMLP(5, 8, depth)


def test_sizes_are_inferred() -> None:
    assert ResidualMLP.infer({"width": 8}, ["x"], {"x": (5,)}, None) == {"in_features": 5, "width": 8}
