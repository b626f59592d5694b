"""Means over agents and whole episodes."""

from __future__ import annotations

import numpy as np

from metta.common.vector_env import EpisodeRecord
from metta.eval.statistics import episode_metrics
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
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


def test_agents_that_never_entered_are_left_out() -> None:
    """Of the engine's own record: one agent plays, another enters in the last step, the third never does."""
    population = {"initial_agents": 1, "enter_steps": [2, 50]}
    changes = {"game.max_steps": 2, "game.systems": {"population": population}}
    config = make_arena(3).replace(changes | {"game.agent.rewards.stats": {"action.noop.success": 1.0}})
    batch = VecEnvConfig(env=config, num_envs=1, num_slots=1, num_threads=1, desync_episodes=False)
    env = make_vec_env(batch, seed=0)
    for _ in range(2):
        env.recv(0)
        env.send(0, np.zeros(3, dtype=np.int32))
    snapshot = env.snapshot()
    (record,) = env.drain_episodes()
    assert record.entered is not None
    assert record.entered.tolist() == [True, True, False]
    assert record.rewards.tolist() == [2.0, 0.0, 0.0]
    metrics = summarize_episodes([record], agent_steps=6).episodes
    assert metrics["overview/reward"] == 1.0
    assert metrics["env_agent/action.noop.success"] == 1.0
    assert episode_metrics(record)["reward"] == 1.0
    env.restore(snapshot)
    (again,) = env.drain_episodes()
    assert again.entered is not None
    assert again.entered.tolist() == record.entered.tolist()
    env.close()
