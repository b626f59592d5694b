"""Scripted policies."""

from __future__ import annotations

import pytest
import torch

from metta.agent.policies.mock import build_mock_policy
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


def test_random_is_uniform_over_allowed_actions(token_spec: EnvSpec) -> None:
    policy = build_mock_policy("random", token_spec)
    mask = torch.tensor([True, False, True, True, False]).expand(30_000, 5)
    td = {"env_obs": torch.zeros(30_000, 24, 3, dtype=torch.uint8), "action_mask": mask}
    out = policy.act(td, generator=torch.Generator().manual_seed(0))
    shares = out["action"].bincount(minlength=5) / 30_000
    torch.testing.assert_close(shares, mask[0] / 3, rtol=0, atol=0.01)
    torch.testing.assert_close(out["act_log_prob"], torch.full((30_000,), 1 / 3).log())
    assert not out["values"].any()


def test_random_is_seeded_and_needs_no_mask(box_spec: EnvSpec) -> None:
    policy, td = build_mock_policy("random", box_spec), {"env_obs": torch.zeros(50, 4)}
    policy.init_memory(50)
    one = policy.act(dict(td), generator=torch.Generator().manual_seed(1))["action"]
    assert torch.equal(one, policy.act(dict(td), generator=torch.Generator().manual_seed(1))["action"])
    policy.reset_memory()


def test_noop_does_nothing(token_spec: EnvSpec) -> None:
    spec = token_spec.replace({"action_names": ("move", "noop")})
    assert build_mock_policy("noop", spec).act({"env_obs": torch.zeros(3, 24, 3)})["action"].tolist() == [1, 1, 1]


def test_noop_needs_such_an_action(box_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match=r"needs an action called 'noop'; environment 'cart' has"):
        build_mock_policy("noop", box_spec)


def test_unknown_name(token_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError, match=r"no policy mock://randm.*Did you mean 'random'"):
        build_mock_policy("randm", token_spec)
