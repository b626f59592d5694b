"""Means over agents and whole episodes."""

from __future__ import annotations

import numpy as np

from metta.common.vector_env import EpisodeRecord
from metta.rl.episode_metrics import summarize_episodes


def record(rewards: list[float], hearts: list[float] | None = None, partial: bool = False) -> EpisodeRecord:
    return EpisodeRecord(
        env=0,
        episode=0,
        length=10,
        rewards=np.array(rewards, np.float32),
        terminated=False,
        truncated=True,
        partial=partial,
        agent_stats={} if hearts is None else {"heart.gained": np.array(hearts)},
        game_stats={"tokens_dropped": 4.0},
        group_stats={"reward": np.array([1.0, 2.0])},
    )


def test_means_are_per_agent_and_episode() -> None:
    stats = summarize_episodes([record([1.0, 3.0], [2.0, 0.0]), record([5.0, 7.0])], agent_steps=8)
    assert stats.num_episodes == 2
    assert stats.episodes["overview/reward"] == 4.0
    assert stats.episodes["overview/episode_length"] == 10.0
    assert stats.episodes["env_agent/heart.gained"] == 0.5, "an episode without the stat counts as 0"
    assert stats.episodes["env_game/tokens_dropped"] == 4.0
    assert stats.episodes["env_group/reward/1"] == 2.0


def test_partial_episodes_are_left_out() -> None:
    stats = summarize_episodes([record([9.0, 9.0], partial=True)], agent_steps=8)
    assert stats.num_episodes == 0
    assert not stats.episodes
    assert (
        summarize_episodes([record([9.0], partial=True), record([1.0])], agent_steps=8).episodes["overview/reward"]
        == 1.0
    )
