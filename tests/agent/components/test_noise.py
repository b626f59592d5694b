"""NoiseLayer."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.noise import NoiseLayer
from metta.common.errors import ConfigError, ShapeContractError


def test_noise_while_learning_only() -> None:
    layer, x = NoiseLayer(0.5), torch.zeros(200, 50)
    noisy = layer({"features": x})["noisy"]
    assert noisy.std() == pytest.approx(0.5, rel=0.05)
    assert noisy.mean() == pytest.approx(0.0, abs=0.02)
    with torch.no_grad():
        assert layer({"features": x})["noisy"] is x
        assert NoiseLayer(0.5, learning_only=False)({"features": x})["noisy"].std() > 0.4
    assert layer.eval()({"features": x})["noisy"] is x


def test_same_seed_same_noise() -> None:
    x = torch.zeros(2, 3)
    torch.manual_seed(3)
    first = NoiseLayer(1.0)({"features": x})["noisy"]
    torch.manual_seed(3)
    assert torch.equal(NoiseLayer(1.0)({"features": x})["noisy"], first)


def test_shapes_and_faults() -> None:
    assert NoiseLayer.infer({"std": 1.0}, ["x"], {"x": (3,)}, None) == {"std": 1.0, "shape": (3,)}
    with pytest.raises(ShapeContractError):
        NoiseLayer(1.0, shape=(3,))({"features": torch.zeros(2, 4)})
    with pytest.raises(ConfigError, match="std=-1"):
        NoiseLayer(-1.0)
