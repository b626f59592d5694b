"""What counts as doing something to rewards."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.rl.rewards_config import RewardsConfig


@pytest.mark.parametrize(
    "changes",
    [{"centering.enabled": True}, {"normalization.enabled": True}, {"clip": 1.0}],
    ids=lambda one: next(iter(one)),
)
def test_each_part_switches_it_on(changes: dict[str, Any]) -> None:
    assert not RewardsConfig().is_on
    assert RewardsConfig().replace(changes).is_on


@pytest.mark.parametrize(("key", "value"), [("centering.rate", 0), ("centering.rate", 1.5), ("clip", 0)])
def test_limits_hold(key: str, value: float) -> None:
    with pytest.raises(ConfigError):
        RewardsConfig().replace({key: value})
