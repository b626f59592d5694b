"""FeatureTable: which row of a weight table a token uses, and with which weight."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from metta.agent.policy_config import NumericScale
from metta.common.env_spec import GLOBAL_LOCATION, EnvSpec, FeatureSpec
from metta.common.errors import ConfigError

_CELL, _GLOBAL, _UNKNOWN = 0, 1, 2
_IGNORED = -1


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """The one-hot box of an ``EnvSpec`` as a list of rows, and lookup tables from token bytes to rows.

    A numeric feature has one channel, a categorical one a channel per value. A channel of cell scope has a row for each
    cell of the window, one of global scope a single row::

        rows:  [channel 0: cell 0 .. P-1][channel 1: cell 0 .. P-1] ... [global channel 0][global channel 1] ...

    Token (location, feature, value) uses row ``rows[feature, value] + positions[scopes[feature], location]`` with
    weight ``weights[feature, value]``. A negative number in ``rows`` or ``positions`` means that the token is ignored:
    padding, a cell outside of the window, an unknown feature, a value beyond ``num_values``, a global token in a cell.

    Shapes: ``positions [3, 256] int32``, ``scopes [256] uint8``, ``rows [256, 256] int32``, ``weights [256, 256]
    float32``; all indexed by token bytes.
    """

    positions: NDArray[np.int32]
    scopes: NDArray[np.uint8]
    rows: NDArray[np.int32]
    weights: NDArray[np.float32]
    window: tuple[int, int]
    num_cell_channels: int
    num_global_channels: int

    @property
    def num_rows(self) -> int:
        """Size of the whole one-hot box."""
        return self.num_cell_channels * self.window[0] * self.window[1] + self.num_global_channels

    @classmethod
    def from_spec(cls, spec: EnvSpec, numeric_scale: NumericScale = "linear") -> Self:
        """The table of a token environment.

        Raises:
            ConfigError: the observations are not tokens, or the feature table contradicts itself.
        """
        _check(spec)
        height, width = spec.window
        positions = np.full((3, 256), _IGNORED, np.int32)
        for row in range(height):
            for column in range(width):
                positions[_CELL, row << 4 | column] = row * width + column
        positions[_GLOBAL, GLOBAL_LOCATION] = 0
        scopes = np.full(256, _UNKNOWN, np.uint8)
        rows = np.full((256, 256), _IGNORED, np.int32)
        weights = np.zeros((256, 256), np.float32)
        next_row = 0
        channels = {"cell": 0, "global": 0}
        for feature in by_scope(spec.features):
            size = height * width if feature.scope == "cell" else 1
            count = feature.num_values if feature.kind == "categorical" else 1
            scopes[feature.id] = _CELL if feature.scope == "cell" else _GLOBAL
            if feature.kind == "categorical":
                rows[feature.id, :count] = next_row + size * np.arange(count)
                weights[feature.id, :count] = 1.0
            else:
                rows[feature.id] = next_row
                weights[feature.id] = [_numeric_weight(feature, value, numeric_scale) for value in range(256)]
            next_row += size * count
            channels[feature.scope] += count
        return cls(positions, scopes, rows, weights, (height, width), channels["cell"], channels["global"])


def by_scope(features: Iterable[FeatureSpec]) -> list[FeatureSpec]:
    """Features of cells, then global ones; by id, not by place: specs that say the same must give the same rows."""
    return sorted(features, key=lambda feature: (feature.scope == "global", feature.id))


def _numeric_weight(feature: FeatureSpec, value: int, scale: NumericScale) -> float:
    distance = value - feature.zero_point
    if scale == "linear":
        return distance / feature.normalization
    return math.copysign(math.log1p(abs(distance)) / math.log1p(feature.normalization), distance)


def _check(spec: EnvSpec) -> None:
    if spec.obs_kind != "tokens":
        raise ConfigError(
            f"environment {spec.name!r} has {spec.obs_kind} observations {spec.obs_shape}, but this policy reads "
            f"tokens. Choose policy_architecture=mlp, or an environment with token observations."
        )
    height, width = spec.window
    if len(spec.obs_shape) != 2 or spec.obs_shape[1] != 3 or not (1 <= height <= 15 and 1 <= width <= 15):
        raise ConfigError(
            f"environment {spec.name!r}: token observations need obs_shape (K, 3) and a window of 1..15 x 1..15 cells; "
            f"got obs_shape={spec.obs_shape}, window={spec.window}."
        )
    seen: dict[int, str] = {}
    for feature in spec.features:
        if feature.id in seen:
            raise ConfigError(
                f"environment {spec.name!r}: features {seen[feature.id]!r} and {feature.name!r} both have id "
                f"{feature.id}."
            )
        if feature.kind == "categorical" and feature.num_values < 1:
            raise ConfigError(
                f"environment {spec.name!r}: categorical feature {feature.name!r} needs num_values >= 1, "
                f"got {feature.num_values}."
            )
        seen[feature.id] = feature.name
    if not seen:
        raise ConfigError(f"environment {spec.name!r} has token observations but an empty feature table.")
