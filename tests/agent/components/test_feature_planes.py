"""Planes of features against a loop over tokens, and their ranges."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent.components.feature_planes import FeatureNormalise, FeaturePlanes
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


def by_hand(spec: EnvSpec, tokens: Tensor) -> Tensor:
    """One observation ``[K, 3]``, token by token; a later token of a cell and feature writes over an earlier one."""
    places = {feature.id: (index, feature.zero_point) for index, feature in enumerate(spec.features)}
    planes = torch.zeros(len(places), *spec.window)
    for location, feature, value in tokens.tolist():
        row, column = (location >> 4, location & 15) if location != 0xFE else (spec.window[0] // 2, spec.window[1] // 2)
        if location != 0xFF and feature in places and row < spec.window[0] and column < spec.window[1]:
            plane, zero = places[feature]
            planes[plane, row, column] = value - zero
    return planes


def test_planes_hold_the_values_of_their_feature(token_spec: EnvSpec, make_tokens: Callable[..., Tensor]) -> None:
    component = FeaturePlanes(**FeaturePlanes.infer({}, ["env_obs"], {}, token_spec))
    obs = make_tokens(2, 5)
    _, index = torch.unique(obs[..., 0].long() * 256 + obs[..., 1], return_inverse=True)
    for row in range(obs.shape[0]):  # at most one token per cell and feature, as the engine writes them
        for step in range(obs.shape[1]):
            seen: set[int] = set()
            for token in range(obs.shape[2]):
                key = int(index[row, step, token])
                if key in seen:
                    obs[row, step, token] = 0xFF
                seen.add(key)
    out = component({"env_obs": obs})["planes"]
    assert out.shape == (2, 5, len(token_spec.features), *token_spec.window)
    assert all(torch.equal(out[i, j], by_hand(token_spec, obs[i, j])) for i in range(2) for j in range(5))
    assert out.any()


def test_more_planes_are_empty_and_ranges_follow_the_features(token_spec: EnvSpec) -> None:
    planes = FeaturePlanes(**FeaturePlanes.infer({"num_planes": 9}, ["env_obs"], {}, token_spec))
    shape = planes.output_shapes["planes"]
    assert shape == (9, 7, 9)
    normalise = FeatureNormalise(**FeatureNormalise.infer({}, ["planes"], {"planes": shape}, token_spec))
    out = normalise({"planes": torch.ones(2, 9, 7, 9)})["normalised"]
    divisors = [5, 10, 3, 255, 4, 100, 100, 1, 1]  # categories by their largest, numbers by their normalization
    torch.testing.assert_close(out[0, :, 0, 0], 1 / torch.tensor(divisors, dtype=torch.float32))


def test_boxes_are_refused(box_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match="reads tokens, but the observations of 'cart' are box"):
        FeaturePlanes.infer({}, ["env_obs"], {}, box_spec)
    with pytest.raises(ConfigError, match="must be above 0"):
        FeatureNormalise([1.0, 0.0])
