"""BoxPlanes: the engine's byte box to the planes that `ObsToBox` makes from tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from metta.agent.components.feature_table import by_scope
from metta.agent.components.inference import complete
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.agent.policy_config import NumericScale
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError

_AGENT = 0
"""The plane that marks agents. It tells an agent whose group, orientation ... is 0 from an empty cell."""


class BoxPlanes(MettaModule):
    """One-hot planes for categorical features, scaled planes for numeric ones: a category is never a multiplier.

    The planes are those of ``ObsToBox`` for the same game as tokens: features of cells by id, then global ones. An
    agent that is not on the map has an empty box, and all planes 0.

    Shapes: ``env_obs [..., F, H, W] uint8`` -> ``box [..., C, H, W] float32``.
    """

    sources: Tensor
    values: Tensor
    is_category: Tensor
    needs_agent: Tensor
    zero_points: Tensor
    divisors: Tensor

    def __init__(
        self, spec: EnvSpec, in_key: str = "env_obs", out_key: str = "box", *, numeric_scale: NumericScale = "linear"
    ) -> None:
        if spec.obs_kind != "box" or not spec.channels:
            raise ConfigError(
                f"environment {spec.name!r} has {spec.obs_kind} observations {spec.obs_shape} without named channels, "
                "but BoxPlanes reads the boxes of MettaGrid. Set game.obs.kind=box, or choose policy_architecture=mlp."
            )
        rows = [
            (spec.channels.index(feature.name), value, feature)
            for feature in by_scope(spec.features)
            for value in range(feature.num_values if feature.kind == "categorical" else 1)
        ]
        self.out_shape = (len(rows), spec.obs_shape[1], spec.obs_shape[2])
        super().__init__(
            [in_key], [out_key], input_shapes={in_key: spec.obs_shape}, output_shapes={out_key: self.out_shape}
        )
        self.in_key, self.out_key, self.numeric_scale = in_key, out_key, numeric_scale
        self.centre = (spec.obs_shape[1] // 2, spec.obs_shape[2] // 2)
        divide = math.log1p if numeric_scale == "log" else float
        for name, column in (
            ("sources", [source for source, _, _ in rows]),
            ("values", [value for _, value, _ in rows]),
            ("is_category", [feature.kind == "categorical" for _, _, feature in rows]),
            ("needs_agent", [feature.scope == "cell" and value == 0 for _, value, feature in rows]),
            ("zero_points", [feature.zero_point for _, _, feature in rows]),
            ("divisors", [divide(feature.normalization) for _, _, feature in rows]),
        ):
            self.register_buffer(name, torch.tensor(column), persistent=False)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, spec=spec)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        obs = td[self.in_key]
        agent = obs[..., _AGENT : _AGENT + 1, :, :] != 0
        here = agent[..., self.centre[0], self.centre[1], None, None]
        planes = obs.index_select(-3, self.sources)
        values, is_category, needs_agent, zeros, divisors = (
            column[:, None, None]
            for column in (self.values, self.is_category, self.needs_agent, self.zero_points, self.divisors)
        )
        matches = (planes == values) & (agent | ~needs_agent)
        distances = planes - zeros
        if self.numeric_scale == "log":
            distances = distances.sign() * distances.abs().log1p()
        return {self.out_key: torch.where(is_category, matches, distances / divisors) * here}
