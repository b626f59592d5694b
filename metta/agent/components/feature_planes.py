"""FeaturePlanes, FeatureNormalise: one plane per feature, and its numbers brought to size. What older networks read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from metta.agent.components.inference import complete, needed, size_of
from metta.agent.module import MettaModule, Shape, TensorMap
from metta.common.env_spec import GLOBAL_LOCATION, PADDING, EnvSpec, FeatureSpec
from metta.common.errors import ConfigError


class FeaturePlanes(MettaModule):
    """Spreads tokens over one plane per feature, in the order of ``feature_ids``; the number is the token's value.

    Values count from the feature's zero point. Global tokens stand in the window's middle. Padding, unknown features
    and cells outside of the window are left out. ``num_planes`` adds empty planes behind the last. Categories are
    numbers here, and not one plane each: `ObsToBox` has those.

    Shapes (C features): ``env_obs [..., K, 3] uint8`` -> ``planes [..., C, H, W] float32``.
    """

    cells: Tensor
    planes: Tensor
    zero_points: Tensor

    def __init__(
        self,
        feature_ids: Sequence[int],
        window: tuple[int, int],
        in_key: str = "env_obs",
        out_key: str = "planes",
        *,
        zero_points: Sequence[float] | None = None,
        num_planes: int | None = None,
    ) -> None:
        height, width = window
        shape = (max(len(feature_ids), num_planes or 0), height, width)
        super().__init__([in_key], [out_key], input_shapes={in_key: (None, 3)}, output_shapes={out_key: shape})
        self.in_key, self.out_key, self.shape = in_key, out_key, shape
        # Cell and plane by byte; what is left out goes to one more place behind the last.
        cells = torch.full((256,), -1)
        rows, columns = torch.arange(256).div(16, rounding_mode="floor"), torch.arange(256) % 16
        inside = (rows < height) & (columns < width)
        cells[inside] = (rows * width + columns)[inside]
        cells[GLOBAL_LOCATION] = height // 2 * width + width // 2
        cells[PADDING] = -1
        planes, zeros = torch.full((256,), -1), torch.zeros(256)
        for index, (feature, zero) in enumerate(zip(feature_ids, zero_points or [0.0] * len(feature_ids), strict=True)):
            planes[feature], zeros[feature] = index, zero
        for name, table in (("cells", cells), ("planes", planes), ("zero_points", zeros)):
            self.register_buffer(name, table, persistent=False)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        if "feature_ids" in config and "window" in config:
            return dict(config)
        spec = needed(spec, "FeaturePlanes")
        if spec.obs_kind != "tokens" or not spec.features:
            raise ConfigError(
                f"it reads tokens, but the observations of {spec.name!r} are {spec.obs_kind} {spec.obs_shape}. "
                f"Start with another component, such as BoxPlanes."
            )
        return complete(
            config,
            feature_ids=[feature.id for feature in spec.features],
            window=spec.window,
            zero_points=[feature.zero_point for feature in spec.features],
        )

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        obs = td[self.in_key]
        channels, height, width = self.shape
        size = height * width
        location, feature, value = obs.long().unbind(-1)
        cell, plane = self.cells[location], self.planes[feature]
        used = (cell >= 0) & (plane >= 0)
        place = torch.where(used, plane * size + cell, channels * size)
        flat = self.zero_points.new_zeros(*obs.shape[:-2], channels * size + 1)
        flat.scatter_(-1, place, value - self.zero_points[feature])
        return {self.out_key: flat[..., :-1].unflatten(-1, self.shape)}


class FeatureNormalise(MettaModule):
    """Divides each plane by its feature's range: the normalization of a numeric one, the largest category of another.

    Shapes: ``planes [..., C, H, W] float32`` -> ``normalised [..., C, H, W] float32``.
    """

    divisors: Tensor

    def __init__(self, divisors: Sequence[float], in_key: str = "planes", out_key: str = "normalised") -> None:
        if not all(divisor > 0 for divisor in divisors):
            raise ConfigError(f"FeatureNormalise got divisors {list(divisors)}; each must be above 0.")
        shape = (len(divisors), None, None)
        super().__init__([in_key], [out_key], input_shapes={in_key: shape}, output_shapes={out_key: shape})
        self.in_key, self.out_key = in_key, out_key
        self.register_buffer("divisors", torch.tensor(list(map(float, divisors)))[:, None, None], persistent=False)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        if "divisors" in config:
            return dict(config)
        found = [_range(feature) for feature in needed(spec, "FeatureNormalise").features]
        num_planes = size_of(shapes, in_keys, -3) or len(found)
        return complete(config, divisors=[*found, *[1.0] * (num_planes - len(found))])

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {self.out_key: td[self.in_key] / self.divisors}


def _range(feature: FeatureSpec) -> float:
    return feature.normalization if feature.kind == "numeric" else float(max(feature.num_values - 1, 1))
