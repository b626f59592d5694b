from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from metta.common.vector_env import EpisodeRecord
from metta.rl.context import UpdateStats
from metta.rl.episode_metrics import summarize_episodes
from metta.rl.monitor.episode_details import EpisodeDetails, spread_and_rate


def record(rewards: list[float], length: int = 10, game: str = "", **stats: list[float]) -> EpisodeRecord:
    hearts = {name: np.array(values) for name, values in stats.items()}
    return EpisodeRecord(
        0, 0, length, np.array(rewards, np.float32), False, True, agent_stats=hearts, game=game, game_stats={"met": 1.0}
    )


RECORDS = (
    record([1.0, 3.0], length=10, game="small", heart=[2.0, 0.0]),
    record([5.0, 7.0], length=30, game="large"),
    record([9.0, 9.0], length=30, game="large", heart=[4.0, 2.0]),
)


def test_spread_and_rate_equal_their_definitions() -> None:
    found = spread_and_rate(RECORDS)
    assert found["overview/reward.std_dev"] == pytest.approx(np.std([1, 3, 5, 7, 9, 9]))
    assert found["overview/episode_length.std_dev"] == pytest.approx(np.std([10, 30, 30]))
    assert found["env_agent/heart.std_dev"] == pytest.approx(np.std([2, 0, 0, 0, 4, 2])), "a stat that lacks is 0"
    assert found["env_agent/heart.rate"] == pytest.approx(8 / (2 * 10 + 2 * 30 + 2 * 30))
    assert found["env_game/met.std_dev"] == 0.0
    assert found["env_map_reward/small"] == 2.0
    assert found["env_map_reward/large"] == 7.5


def test_those_who_never_entered_are_left_out() -> None:
    away = record([1.0, 100.0], heart=[2.0, 100.0])
    away.entered = np.array([True, False])
    found = spread_and_rate((away, record([3.0, 5.0])))
    assert found["overview/reward.std_dev"] == pytest.approx(np.std([1, 3, 5]))
    assert found["env_agent/heart.rate"] == pytest.approx(2 / (10 + 20))


def test_rolling_averages_cover_the_window_and_survive_a_resume(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    def epoch(part: EpisodeDetails, rewards: list[float]) -> dict[str, float]:
        records = (record(rewards),) if rewards else ()
        return dict(part.determined(ctx, stats(dict(summarize_episodes(records, agent_steps=100).episodes), records)))

    part = EpisodeDetails(window=2)
    rows = [epoch(part, rewards) for rewards in ([1.0], [], [2.0])]
    assert "overview/reward.avg" not in rows[1], "no episode ended"
    assert rows[2]["overview/reward.avg"] == 1.5
    other = EpisodeDetails(window=2)
    other.load_state_dict(json.loads(json.dumps(part.state_dict())))
    assert epoch(other, [4.0]) == epoch(part, [4.0])
    assert other.state_dict() == part.state_dict()
    assert [row["experience/area_under_reward"] for row in rows] == [100.0, 200.0, 400.0]


def test_without_details_only_the_area_is_left(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    part = EpisodeDetails(window=2, details=False)
    found = part.determined(ctx, stats({"overview/reward": 2.0}, RECORDS))
    assert found == {"experience/area_under_reward": 200.0}
