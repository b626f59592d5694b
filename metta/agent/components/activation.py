"""Activations and initialisation by name, shared by the components."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import torch
from torch import Tensor, nn

from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)

# Where its gradient allows it, a function writes over its argument, which must be a fresh result of a layer.
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "relu": torch.relu_,
    "leaky_relu": nn.functional.leaky_relu,
    "elu": nn.functional.elu,
    "gelu": nn.functional.gelu,
    "silu": nn.functional.silu,
    "mish": nn.functional.mish,
    "softplus": nn.functional.softplus,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
    "softmax": lambda x: x.softmax(-1),
    "log_softmax": lambda x: x.log_softmax(-1),
    "identity": lambda x: x,
}

_GAINS: dict[str, float] = dict.fromkeys(["relu", "leaky_relu", "elu", "gelu", "silu", "mish", "tanh"], math.sqrt(2.0))


def activation_named(name: str | None) -> Callable[[Tensor], Tensor]:
    """The function of that name; None is the identity.

    Raises:
        ConfigError: there is no such activation.
    """
    if name is None:
        return _identity
    if name not in ACTIVATIONS:
        raise ConfigError(f"no activation {name!r}; there are {sorted(ACTIVATIONS)}.{did_you_mean(name, ACTIVATIONS)}")
    return ACTIVATIONS[name]


def gain_of(activation: str | None) -> float:
    """Orthogonal gain for a layer that this activation follows (the field's habit: sqrt 2 before any nonlinearity)."""
    return _GAINS.get(activation or "", 1.0)


def orthogonal_init(layer: Layer, gain: float) -> Layer:
    """Orthogonal weights, zero bias; returns the layer.

    Source: arXiv:1312.6120; its use in PPO: arXiv:2006.05990 sec. 3.2.
    """
    nn.init.orthogonal_(layer.weight, gain)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _identity(x: Tensor) -> Tensor:
    return x
