"""Shares stay shares."""

from __future__ import annotations

import pytest

from metta.common.errors import ConfigError
from metta.rl.sampling_config import SamplingConfig
from metta.rl.trainer_config import TrainerConfig


def test_default_is_each_segment_once() -> None:
    assert TrainerConfig().sampling.method == "sequential"


@pytest.mark.parametrize("key", ["prio_alpha", "prio_beta0"])
@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_shares_lie_between_0_and_1(key: str, value: float) -> None:
    with pytest.raises(ConfigError, match=key):
        SamplingConfig().replace({key: value})
