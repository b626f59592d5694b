"""ObsToBox: tokens land in the planes that they mean."""

from __future__ import annotations

import torch

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.obs_to_box import ObsToBox
from metta.common.env_spec import EnvSpec

CELL = 2 << 4 | 5


def box_of(spec: EnvSpec, *tokens: tuple[int, int, int]) -> torch.Tensor:
    obs = torch.full((1, spec.obs_shape[0], 3), 0xFF, dtype=torch.uint8)
    for index, token in enumerate(tokens):
        obs[0, index] = torch.tensor(token)
    return ObsToBox(FeatureTable.from_spec(spec), spec.obs_shape[0])({"env_obs": obs})["box"][0]


def test_categorical_token_is_a_one_in_its_plane(token_spec: EnvSpec) -> None:
    box = box_of(token_spec, (CELL, 0, 4))
    assert box.shape == (12 + 7, 7, 9)
    assert box.nonzero().tolist() == [[4, 2, 5]]
    assert box[4, 2, 5] == 1


def test_numeric_token_is_its_value_over_the_normalization(token_spec: EnvSpec) -> None:
    box = box_of(token_spec, (CELL, 17, 25))
    assert box.nonzero().tolist() == [[11, 2, 5]]
    assert box[11, 2, 5] == 0.25


def test_global_token_fills_its_plane(token_spec: EnvSpec) -> None:
    box = box_of(token_spec, (0xFE, 8, 3))
    assert (box[12 + 1 + 3] == 1).all()
    assert box.sum() == 63


def test_repeated_tokens_add_up_and_ignored_ones_do_not(token_spec: EnvSpec) -> None:
    box = box_of(token_spec, (CELL, 17, 25), (CELL, 17, 50), (0x7F, 0, 1), (CELL, 99, 1), (0xFE, 0, 1), (CELL, 7, 9))
    assert box.nonzero().tolist() == [[11, 2, 5]]
    assert box[11, 2, 5] == 0.75


def test_flat_and_planes_hold_the_same(token_spec: EnvSpec, make_tokens) -> None:
    features, obs = FeatureTable.from_spec(token_spec), make_tokens(3, 4)
    flat = ObsToBox(features, 24, layout="flat")({"env_obs": obs})["box"]
    planes = ObsToBox(features, 24)({"env_obs": obs})["box"]
    assert flat.shape == (3, 4, features.num_rows)
    assert torch.equal(planes[..., :12, :, :].flatten(-3), flat[..., : 12 * 63])
    assert torch.equal(planes[..., 12:, 0, 0], flat[..., 12 * 63 :])
