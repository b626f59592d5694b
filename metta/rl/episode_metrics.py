"""From episode records to the numbers that are logged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from metta.common.vector_env import EpisodeRecord
from metta.rl.context import RolloutStats


def summarize_episodes(records: Sequence[EpisodeRecord], *, agent_steps: int) -> RolloutStats:
    """Means over the agents of whole episodes.

    Episodes cut short on purpose (``partial``) and agents that never entered their episode are left out.

    Names: ``overview/reward``, ``overview/episode_length``; ``env_agent/<stat>`` per agent and episode,
    ``env_game/<stat>`` per episode, ``env_group/<stat>/<group>`` per episode. A stat that an episode lacks counts as 0.
    """
    whole = tuple(record for record in records if not record.partial)
    if not whole:
        return RolloutStats(episodes={}, num_episodes=0, agent_steps=agent_steps)
    rewards = [record.of_those_who_entered(record.rewards) for record in whole]
    num_agents = max(1, sum(map(len, rewards)))
    metrics = {
        "overview/reward": sum(float(entered.sum(dtype=np.float64)) for entered in rewards) / num_agents,
        "overview/episode_length": sum(record.length for record in whole) / len(whole),
    }
    of_agents = [
        {name: record.of_those_who_entered(values) for name, values in record.agent_stats.items()} for record in whole
    ]
    for name, total in _sums(of_agents).items():
        metrics[f"env_agent/{name}"] = total / num_agents
    for name, total in _sums([record.game_stats for record in whole]).items():
        metrics[f"env_game/{name}"] = total / len(whole)
    for name, total in _group_sums([record.group_stats for record in whole]).items():
        metrics[f"env_group/{name}"] = total / len(whole)
    return RolloutStats(
        episodes=dict(sorted(metrics.items())), num_episodes=len(whole), agent_steps=agent_steps, records=whole
    )


def _sums(stats: Sequence[Mapping[str, NDArray[np.float64]] | Mapping[str, float]]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for of_episode in stats:
        for name, value in of_episode.items():
            totals[name] = totals.get(name, 0.0) + float(np.sum(value))
    return totals


def _group_sums(stats: Sequence[Mapping[str, NDArray[np.float64]]]) -> dict[str, float]:
    totals: dict[str, float] = {}
    for of_episode in stats:
        for name, values in of_episode.items():
            for group, value in enumerate(values):
                key = f"{name}/{group}"
                totals[key] = totals.get(key, 0.0) + float(value)
    return totals
