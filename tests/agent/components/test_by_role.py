"""Rows by role, read from the middle of the window."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.by_role import ByRole
from metta.common.env_spec import EnvSpec, FeatureSpec
from metta.common.errors import ConfigError


def test_each_row_gets_the_head_of_its_group() -> None:
    choose = ByRole(1, 0x55, 2, ["env_obs", "a", "b"])
    obs = torch.full((2, 2, 3, 3), 0xFF, dtype=torch.uint8)
    obs[0, 1, 1] = torch.tensor([0x55, 1, 1])  # group 1
    obs[1, 0, 2] = torch.tensor([0x55, 1, 2])  # group 2 counts round to 0
    obs[1, 1, 0] = torch.tensor([0x56, 1, 1])  # a neighbour's
    heads = {"a": torch.zeros(2, 2, 2), "b": torch.ones(2, 2, 2, requires_grad=True)}
    logits = choose({"env_obs": obs, **heads})["logits"]
    assert logits[..., 0].tolist() == [[0, 1], [0, 0]]
    logits.sum().backward()
    assert heads["b"].grad is not None
    assert heads["b"].grad[..., 0].tolist() == [[0, 1], [0, 0]]


def test_what_the_environment_tells(token_spec: EnvSpec) -> None:
    group = FeatureSpec(id=1, name="agent:group", kind="categorical", scope="cell", num_values=4)
    spec = token_spec.replace({"features": (*token_spec.features, group)})
    found = ByRole.infer({}, ["env_obs", "a"], {"a": (5,)}, spec)
    assert found == {"group_feature": 1, "centre": 3 << 4 | 4, "size": 5}
    with pytest.raises(ConfigError, match="'agent:group', which 'tiny' lacks"):
        ByRole.infer({}, ["env_obs", "a"], {"a": (5,)}, token_spec)
    with pytest.raises(ConfigError, match="a key for each role"):
        ByRole(1, 0, 5, ["env_obs"])
