"""The component registry is complete."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from typing import Any

import pytest

import metta.agent.components
from metta.agent.components.registry import COMPONENTS, component_class
from metta.agent.module import MettaModule, Shape
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
