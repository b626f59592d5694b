"""ConvModule."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.conv import ConvModule
from metta.common.errors import ShapeContractError


def test_positional_as_in_the_design_notes() -> None:
    cnn = ConvModule(3, 64, 3, "observation", "features")
    assert (cnn.in_keys, cnn.out_keys) == (["observation"], ["features"])
    assert cnn({"observation": torch.randn(2, 3, 8, 8)})["features"].shape == (2, 64, 6, 6)


def test_equals_torchs_with_any_batch() -> None:
    cnn = ConvModule(3, 4, 3, activation="relu", stride=2, padding=1)
    x = torch.randn(2, 5, 3, 7, 9)
    expected = torch.nn.functional.conv2d(x.flatten(0, 1), cnn.conv.weight, cnn.conv.bias, 2, 1).relu()
    out = cnn({"image": x})["features"]
    torch.testing.assert_close(out, expected.unflatten(0, (2, 5)))
    torch.testing.assert_close(cnn({"image": x[0, 0]})["features"], out[0, 0])
    out.sum().backward()
    assert all(parameter.grad is not None for parameter in cnn.parameters())


def test_channels_are_checked_and_inferred() -> None:
    with pytest.raises(ShapeContractError, match=r"ConvModule reads 'image'.*\[\.\.\., 3, any, any\]"):
        ConvModule(3, 4, 3)({"image": torch.randn(2, 4, 8, 8)})
    shapes = {"box": (12, 7, 9)}
    assert ConvModule.infer({"out_channels": 4, "kernel_size": 3}, ["box"], shapes, None)["in_channels"] == 12
