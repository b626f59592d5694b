"""The preset registry has every config of the union."""

from __future__ import annotations

from typing import get_args

from metta.agent.policies.registry import NETWORKS
from metta.agent.policy_config import PolicyConfig


def test_presets_match_the_configs() -> None:
    union = get_args(PolicyConfig)[0]
    assert {config.model_fields["type"].default for config in get_args(union)} == set(NETWORKS)
