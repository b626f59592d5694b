"""Batch rules say what does not fit, why, and the nearest that does."""

from __future__ import annotations

import re

import pytest

from metta.common.errors import ConfigError
from metta.rl.trainer_config import TrainerConfig


def sized(batch: int, minibatch: int, horizon: int) -> TrainerConfig:
    return TrainerConfig().replace({"batch_size": batch, "minibatch_size": minibatch, "bptt_horizon": horizon})


def test_sizes_are_checked_together_whatever_the_order() -> None:
    assert sized(64, 32, 16).num_segments == 4


def test_minibatch_holds_whole_segments() -> None:
    with pytest.raises(ConfigError, match=r"minibatch_size=30 is no multiple of trainer\.bptt_horizon=16"):
        sized(60, 30, 16)


def test_batch_holds_whole_minibatches() -> None:
    with pytest.raises(ConfigError, match=r"Nearest that fits: trainer\.batch_size=96"):
        sized(100, 32, 16)


def test_every_agent_needs_a_segment() -> None:
    with pytest.raises(ConfigError, match=r"holds 4 segments .* 24 agents need one each.*batch_size=384,"):
        sized(64, 32, 16).check_rows(24)


def test_agents_share_the_segments_evenly() -> None:
    sized(96, 32, 16).check_rows(3)
    with pytest.raises(ConfigError, match=r"4 agents .* cannot share evenly.*batch_size="):
        sized(96, 32, 16).check_rows(4)


@pytest.mark.parametrize("num_rows", [*range(1, 100, 7), 112, 400, 1600, 5000])
@pytest.mark.parametrize("config", [TrainerConfig(), sized(96, 32, 16), sized(6400, 1600, 64)])
def test_the_sizes_that_a_refusal_names_are_taken(config: TrainerConfig, num_rows: int) -> None:
    try:
        config.check_rows(num_rows)
    except ConfigError as error:
        named = {key: int(value) for key, value in re.findall(r"trainer\.(\w+_size)=(\d+)", str(error))[1:]}
        assert named
        config.replace(named).check_rows(num_rows)


def test_sizes_follow_the_rows() -> None:
    for num_rows in range(1, 1000):
        config = TrainerConfig.for_rows(num_rows)
        config.check_rows(num_rows)
        assert 1 <= config.batch_size / (64 * num_rows) <= 2


def test_limits_hold() -> None:
    for path, value in (("gamma", 1.1), ("optimizer.learning_rate", -5), ("losses.ppo_actor.clip_coef", 0)):
        with pytest.raises(ConfigError):
            TrainerConfig().replace({path: value})
