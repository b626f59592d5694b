"""Plain torch modules as components."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor, nn

from metta.agent.components.nn_module import NNModule, SequentialModule, in_one_batch, module_class
from metta.agent.container import ComponentContainer
from metta.common.errors import ConfigError, KeyContractError, ShapeContractError


class KeyedAttention(nn.MultiheadAttention):
    """As the design notes write one: it inherits from torch and speaks keys by itself."""

    def __init__(self, embed_dim: int, num_heads: int, in_key: str = "input", out_key: str = "attended") -> None:
        super().__init__(embed_dim, num_heads)
        self.in_keys, self.out_keys = [in_key], [out_key]
        self.input_shapes, self.output_shapes = {in_key: (embed_dim,)}, {out_key: (embed_dim,)}

    def forward(self, td: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        x = td[self.in_keys[0]]
        td[self.out_keys[0]], _ = super().forward(x, x, x)
        return td


def test_sequential_as_in_the_design_notes() -> None:
    layers = [nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU()]
    encoder = SequentialModule(layers, "observation", "state_features", (64,), (128,))
    x = torch.randn(2, 3, 64)
    expected = layers[2](layers[0](x).relu()).relu()
    assert torch.equal(encoder({"observation": x})["state_features"], expected)
    with pytest.raises(ShapeContractError):
        encoder({"observation": torch.randn(2, 63)})


def test_sequential_from_names_finds_its_output_shape() -> None:
    layers = [{"class": "Conv2d", "in_channels": 3, "out_channels": 4, "kernel_size": 3}, "ReLU", "Flatten"]
    arguments = SequentialModule.infer({"layers": layers}, ["box"], {"box": (3, 5, 6)}, None)
    encoder = SequentialModule(in_key="box", out_key="flat", **arguments)
    assert encoder.output_shapes == {"flat": (48,)}
    assert encoder({"box": torch.randn(2, 7, 3, 5, 6)})["flat"].shape == (2, 7, 48)


@pytest.mark.parametrize(
    ("name", "arguments", "shape", "expected"),
    [
        ("MaxPool2d", {"kernel_size": 2}, (3, 8, 8), (3, 4, 4)),
        ("AvgPool1d", {"kernel_size": 2}, (3, 8), (3, 4)),
        ("AdaptiveAvgPool2d", {"output_size": 1}, (3, 5, 7), (3, 1, 1)),
        ("Flatten", {}, (3, 5, 7), (105,)),
        ("Dropout", {"p": 0.5}, (4,), (4,)),
        ("LayerNorm", {"normalized_shape": 4}, (4,), (4,)),
        ("BatchNorm1d", {"num_features": 4}, (4,), (4,)),
        ("BatchNorm2d", {"num_features": 3}, (3, 5, 7), (3, 5, 7)),
        ("torch.nn.Unflatten", {"dim": 1, "unflattened_size": (2, 3)}, (6,), (2, 3)),
        ("Identity", {}, (6,), (6,)),
    ],
)
def test_layers_by_name(
    name: str, arguments: dict[str, Any], shape: tuple[int, ...], expected: tuple[int, ...]
) -> None:
    inferred = NNModule.infer({"module": name, "arguments": arguments}, ["x"], {"x": shape}, None)
    component = NNModule(in_key="x", out_key="y", **inferred)
    assert component.output_shapes == {"y": expected}
    x = torch.randn(2, 3, *shape)
    component.eval()
    out = component({"x": x})["y"]
    assert out.shape == (2, 3, *expected)
    torch.testing.assert_close(out, component.module(x.flatten(0, 1)).unflatten(0, (2, 3)))


def test_finding_the_shape_leaves_no_trace() -> None:
    component = NNModule("BatchNorm1d", {"num_features": 4}, input_shape=(4,))
    assert component.training
    assert component.module.training
    assert int(component.state_dict()["module.num_batches_tracked"]) == 0


@pytest.mark.parametrize("keys", [(), ("features", "attended_features")])
def test_an_instance_with_keys_of_its_own(keys: tuple[str, ...]) -> None:
    attention = KeyedAttention(16, 2, *keys)
    component = NNModule(attention)
    in_key, out_key = keys or ("input", "attended")
    assert (component.in_keys, component.out_keys) == ([in_key], [out_key])
    x = torch.randn(5, 2, 16)
    td = {in_key: x}
    expected = nn.MultiheadAttention.forward(attention, x, x, x)[0]
    torch.testing.assert_close(component(td)[out_key], expected)
    network = ComponentContainer({in_key: (16,)})
    network.add_component("attention", component)
    torch.testing.assert_close(network(TensorDict({in_key: x}, [5]))[out_key], expected)
    component({in_key: x})[out_key].sum().backward()
    assert all(parameter.grad is not None for parameter in attention.parameters())


def test_an_instance_without_keys() -> None:
    component = NNModule(nn.Linear(4, 2), None, "x", "y")
    assert component({"x": torch.randn(3, 5, 4)})["y"].shape == (3, 5, 2)


def test_a_module_that_breaks_its_word() -> None:
    class Silent(nn.Module):
        in_keys, out_keys = ("x",), ("y",)

        def forward(self, td: dict[str, Tensor]) -> dict[str, Tensor]:
            return td

    with pytest.raises(KeyContractError, match=r"Silent has out_keys \['y'\], but its forward wrote no \['y'\]"):
        NNModule(Silent())({"x": torch.zeros(1)})


def test_an_empty_batch() -> None:
    assert in_one_batch(nn.Flatten(), torch.zeros(0, 3, 2, 2), 2).shape == (0, 3, 4)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("MaxPol2d", "does not exist.*Did you mean 'MaxPool2d'"),
        ("subprocess.Popen", "is no nn.Module class"),
        ("no.such.Class", "No module named 'no'"),
    ],
)
def test_wrong_classes_are_refused(name: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        module_class(name)


def test_wrong_arguments_are_refused() -> None:
    with pytest.raises(ConfigError, match="MaxPool2d does not take the arguments"):
        NNModule("MaxPool2d", {"size": 2})
    with pytest.raises(ConfigError, match=r"Linear does not take inputs of shape \(5,\)"):
        NNModule(nn.Linear(4, 2), input_shape=(5,))
    with pytest.raises(ConfigError, match="Add class: Linear"):
        SequentialModule([{"in_features": 3}])
