"""BoxPlanes: bytes land in the planes that they mean, and a box shows what the tokens of the same game show."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metta.agent.components.box_planes import BoxPlanes
from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.obs_to_box import ObsToBox
from metta.agent.policy_config import NumericScale
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv


def as_box(spec: EnvSpec) -> EnvSpec:
    channels = ("agent", *(feature.name for feature in spec.features))
    return spec.replace({"obs_kind": "box", "obs_shape": (len(channels), *spec.window), "channels": channels})


def planes_of(spec: EnvSpec, **values: int) -> torch.Tensor:
    """The planes of a box that is empty but for the observer (its own mark) and ``values`` in cell (2, 5)."""
    obs = torch.zeros(spec.obs_shape, dtype=torch.uint8)
    obs[0, spec.window[0] // 2, spec.window[1] // 2] = 1
    for name, value in values.items():
        obs[spec.channels.index(name.replace("__", ":")), 2, 5] = value
    return BoxPlanes(spec)({"env_obs": obs})["box"]


def test_categorical_byte_is_a_one_in_its_plane(token_spec: EnvSpec) -> None:
    spec = as_box(token_spec)
    change = planes_of(spec, type_id=4) - planes_of(spec)
    assert change.shape == (12 + 7, 7, 9)
    assert change.nonzero().tolist() == [[4, 2, 5]]


def test_numeric_byte_is_its_value_over_the_normalization(token_spec: EnvSpec) -> None:
    spec = as_box(token_spec)
    change = planes_of(spec, inv__ore=25) - planes_of(spec)
    assert change.nonzero().tolist() == [[11, 2, 5]]
    assert change[11, 2, 5] == 0.25


def test_category_zero_needs_an_agent(token_spec: EnvSpec) -> None:
    """An empty cell is not an agent that looks north."""
    planes = planes_of(as_box(token_spec), agent=1)
    type_agent, north = 0, 7
    for plane in (type_agent, north):
        assert planes[plane].nonzero().tolist() == [[2, 5], [3, 4]]


def test_agent_away_from_the_map_sees_nothing(token_spec: EnvSpec) -> None:
    spec = as_box(token_spec)
    assert not BoxPlanes(spec)({"env_obs": torch.zeros(3, *spec.obs_shape, dtype=torch.uint8)})["box"].any()


@pytest.mark.parametrize("scale", ["linear", "log"])
def test_box_and_tokens_of_a_game_give_the_same_planes(scale: NumericScale) -> None:
    changes = {"game.obs.num_tokens": 400, "game.obs.visitation_counts": True, "game.obs.width": 13}
    arena = make_arena(6).replace(changes | {"game.agent.initial_inventory": {"laser": 3, "heart": 1}})
    envs = [MettaGridEnv(arena.replace({"game.obs.kind": kind}), seed=3) for kind in ("tokens", "box")]
    spec = envs[0].spec
    to_planes = (
        ObsToBox(FeatureTable.from_spec(spec, scale), spec.obs_shape[0]),
        BoxPlanes(envs[1].spec, numeric_scale=scale),
    )
    rng = np.random.default_rng(0)
    for _ in range(20):
        actions = rng.integers(0, spec.num_actions, 6, dtype=np.int32)
        batches = [env.step(actions) for env in envs]
        left, right = (
            component({"env_obs": torch.tensor(batch.observations)})["box"]
            for component, batch in zip(to_planes, batches, strict=True)
        )
        torch.testing.assert_close(left, right)
    for env in envs:
        env.close()


def test_other_boxes_are_refused(box_spec: EnvSpec, token_spec: EnvSpec) -> None:
    for spec in (box_spec, token_spec):
        with pytest.raises(ConfigError, match=r"named channels.*game\.obs\.kind=box"):
            BoxPlanes(spec)
