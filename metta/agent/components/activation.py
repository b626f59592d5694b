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
        return identity
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


INITIALISATIONS = ("orthogonal", "xavier", "normal", "small")


def initialised(layer: Layer, name: str, gain: float) -> Layer:
    """``layer`` with zero bias and weights by name; returns the layer. ``gain`` is that of ``orthogonal`` alone.

    ``xavier``: uniform, fan in and out; ``normal``: variance 2 / fan in; ``small``: uniform in +-0.01.

    Source: orthogonal: arXiv:1312.6120; xavier: Glorot and Bengio 2010 eq. 16; normal: arXiv:1502.01852 eq. 10.

    Raises:
        ConfigError: there is no such initialisation.
    """
    if name not in INITIALISATIONS:
        raise ConfigError(
            f"no initialisation {name!r}; there are {list(INITIALISATIONS)}.{did_you_mean(name, INITIALISATIONS)}"
        )
    orthogonal_init(layer, gain) if name == "orthogonal" else _fill(layer.weight, name)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)
    return layer


def _fill(weight: Tensor, name: str) -> None:
    if name == "xavier":
        nn.init.xavier_uniform_(weight)
    elif name == "normal":
        nn.init.kaiming_normal_(weight)
    else:
        nn.init.uniform_(weight, -0.01, 0.01)


def identity(x: Tensor) -> Tensor:
    """``x``."""
    return x
