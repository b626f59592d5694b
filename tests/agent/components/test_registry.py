"""The component registry is complete."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest
import torch

import metta.agent.components
from metta.agent.components.registry import COMPONENTS, component_class
from metta.agent.module import MettaModule, Shape
from metta.agent.network_builder import NetworkBuilder
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


def test_every_component_is_registered_under_its_name() -> None:
    found = {
        name: member
        for info in pkgutil.iter_modules(metta.agent.components.__path__)
        for name, member in inspect.getmembers(importlib.import_module(f"metta.agent.components.{info.name}"))
        if inspect.isclass(member)
        and name[0] != "_"
        and issubclass(member, MettaModule)
        and member.__module__ == f"metta.agent.components.{info.name}"
    }
    assert found == COMPONENTS


MINIMAL: dict[str, tuple[Shape, dict[str, Any]]] = {
    "ActionEmbedding": ((8,), {}),
    "ActorHead": ((8,), {}),
    "ActorKey": ((8,), {}),
    "ActorQuery": ((8,), {}),
    "AttentionModule": ((8,), {"num_heads": 2}),
    "BilinearActorHead": ((8,), {}),
    "CNNEncoder": ((3, 7, 9), {"convs": [[4, 3, 2], {"channels": 2, "kernel": 2, "stride": 1}], "out_features": 5}),
    "ConvModule": ((3, 7, 9), {"out_channels": 2, "kernel_size": 3}),
    "Embedding": ((), {"embedding_dim": 4}),
    "FeatureNormalise": ((7, 7, 9), {}),
    "FeaturePlanes": ((24, 3), {}),
    "LSTM": ((8,), {"hidden_size": 4}),
    "LatentAttention": (("tokens", 8), {"out_features": 4}),
    "LinearModule": ((8,), {"out_features": 4}),
    "MLP": ((3, 2), {"hidden_sizes": [4]}),
    "NNModule": ((8,), {"module": "LayerNorm", "arguments": {"normalized_shape": 8}}),
    "NoiseLayer": ((8,), {"std": 0.1}),
    "Normalise": ((8,), {}),
    "ObsToBox": ((24, 3), {"layout": "flat", "numeric_scale": "log"}),
    "ObsTokens": ((24, 3), {"numeric_scale": "log"}),
    "Perceiver": (("tokens", 8), {"latent_dim": 4}),
    "QuantileValueHead": ((8,), {}),
    "ResidualMLP": ((8,), {"width": 4}),
    "SequentialModule": ((8,), {"layers": ["ReLU"]}),
    "SwinEncoder": ((3, 7, 9), {"embed_dim": 8, "out_features": 4}),
    "TokenBag": ((24, 3), {"width": 4}),
    "TokenTransformer": (("tokens", 8), {"out_features": 8, "num_layers": 1}),
    "TransformerBlock": (("tokens", 8), {"num_heads": 2}),
    "ValueHead": ((8,), {}),
}
"""The shape of the first input, and what ``infer`` cannot know."""


@pytest.mark.parametrize("name", MINIMAL)
def test_sizes_are_inferred_from_shapes_and_environment(name: str, token_spec: EnvSpec) -> None:
    cls, (shape, config) = COMPONENTS[name], MINIMAL[name]
    arguments = cls.infer(config, ["x"], {"x": shape}, token_spec)
    component = cls(**arguments)
    declared = component.input_shapes.get(next(iter(map(str, component.in_keys))))
    assert declared is None or len(declared) == len(shape)
    assert isinstance(component, cls)
    # What config says wins over what could be inferred.
    inferred = {key for key in arguments if key not in config and isinstance(arguments[key], int)}
    for key in inferred:
        assert cls.infer({**config, key: 77}, ["x"], {"x": shape}, token_spec)[key] == 77


@pytest.mark.parametrize("name", MINIMAL)
def test_yaml_needs_no_more(name: str, token_spec: EnvSpec) -> None:
    """Keys by position, sizes from the inputs: what a network's config says of a component."""
    shape, config = MINIMAL[name]
    inputs: dict[str, Any] = {"x": shape, "second": ("actions", 8) if name == "ActorKey" else ("tokens",)}
    two = name in ("ActorKey", "LatentAttention", "Perceiver", "TokenTransformer")
    of_environment = name in ("ObsToBox", "ObsTokens", "TokenBag")
    keys = ["env_obs"] if of_environment else ["x", "second"] if two else ["x"]
    component = {"name": "it", "class": name, "config": config, "in_keys": keys, "out_keys": ["y"]}
    network = NetworkBuilder().build_from_config({"input_shapes": inputs, "components": [component]}, token_spec)
    built = network.get_component("it")
    assert [str(key) for key in built.in_keys][: len(keys)] == keys
    assert built.out_keys[0] == "y"


def test_towers_over_slices_from_yaml() -> None:
    """Two parts of a box, a convolution each, put together again."""
    towers = [
        {"name": "low", "class": "Merge", "config": {"slices": [[0, 12, 0]]}, "in_keys": ["box"], "out_keys": ["low"]},
        {
            "name": "high",
            "class": "Merge",
            "config": {"slices": [[12, 22, 0]]},
            "in_keys": ["box"],
            "out_keys": ["high"],
        },
    ]
    convs = [
        {
            "name": f"{part}_conv",
            "class": "ConvModule",
            "config": {"out_channels": 4, "kernel_size": 3},
            "in_keys": [part],
            "out_keys": [f"{part}_planes"],
        }
        for part in ("low", "high")
    ]
    both = {
        "name": "both",
        "class": "Merge",
        "config": {"dim": -3},
        "in_keys": ["low_planes", "high_planes"],
        "out_keys": ["planes"],
    }
    flat = {"name": "flat", "class": "NNModule", "config": {"module": "Flatten"}, "in_keys": ["planes"]}
    config = {
        "input_shapes": {"box": [22, 5, 5]},
        "components": [*towers, *convs, both, {**flat, "out_keys": ["flat"]}],
    }
    network = NetworkBuilder().build_from_config(config)
    assert network({"box": torch.randn(2, 3, 22, 5, 5)})["flat"].shape == (2, 3, 72)


def test_a_box_environment_is_inferred(box_spec: EnvSpec) -> None:
    assert COMPONENTS["BoxPlanes"].infer({}, ["env_obs"], {}, box_spec) == {"spec": box_spec}


def test_every_component_can_infer() -> None:
    """All have sizes that follow from inputs, but for a pretrained model, which brings its own."""
    own = {
        name
        for name, cls in COMPONENTS.items()
        if any("infer" in vars(base) for base in cls.__mro__ if base is not MettaModule)
    }
    assert set(COMPONENTS) - own == {"HuggingFaceModule"}


def test_unknown_name() -> None:
    with pytest.raises(ConfigError, match=r"Did you mean 'TokenBag'"):
        component_class("TokenBg")
