"""Linear layers and MLPs."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.linear import MLP, LinearModule
from metta.common.errors import ConfigError


def test_linear_module_with_zero_setup() -> None:
    result = LinearModule(10, 16, activation="relu")({"input": torch.randn(4, 10)})
    assert result["output"].shape == (4, 16)
    assert (result["output"] >= 0).all()


def test_weights_are_orthogonal() -> None:
    weight = LinearModule(8, 8, activation="tanh").linear.weight
    torch.testing.assert_close(weight @ weight.T, 2 * torch.eye(8))


def test_softmax_sums_to_one() -> None:
    out = LinearModule(3, 5, activation="softmax")({"input": torch.randn(2, 3)})["output"]
    torch.testing.assert_close(out.sum(-1), torch.ones(2))


def test_mlp_equals_its_layers() -> None:
    mlp, x = MLP(3, (5, 4), activation="tanh"), torch.randn(6, 2, 3)
    first, second = mlp.layers
    expected = second(first(x).tanh()).tanh()
    assert torch.equal(mlp({"features": x})["hidden"], expected)


def test_mlp_flattens_and_scales_bytes() -> None:
    mlp = MLP((2, 3), (4,), "env_obs")
    pixels = torch.randint(0, 256, (5, 2, 3), dtype=torch.uint8)
    expected = mlp.layers[0](pixels.flatten(1) / 255).relu()
    assert torch.equal(mlp({"env_obs": pixels})["hidden"], expected)


def test_mlp_without_layers_passes_on() -> None:
    x = torch.randn(4, 3)
    assert MLP(3, ())({"features": x})["hidden"] is x


def test_unknown_activation_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"no activation 'rleu'.*Did you mean 'relu'"):
        LinearModule(1, 1, activation="rleu")
