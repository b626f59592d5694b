"""From episode records to the numbers that are logged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

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
    sums = sum_episodes(whole)
    return RolloutStats(episodes=sums.means(), num_episodes=sums.episodes, agent_steps=agent_steps, records=whole)


@dataclass(slots=True)
class EpisodeSums:
    """Sums over whole episodes: what the means are made of, so that those of several ranks can be added first."""

    episodes: int = 0
    agents: int = 0
    length: float = 0.0
    reward: float = 0.0
    of_agents: dict[str, float] = field(default_factory=dict[str, float])
    of_games: dict[str, float] = field(default_factory=dict[str, float])
    of_groups: dict[str, float] = field(default_factory=dict[str, float])

    def means(self) -> dict[str, float]:
        """The metrics; none without episodes."""
        if not self.episodes:
            return {}
        agents = max(1, self.agents)
        metrics = {"overview/reward": self.reward / agents, "overview/episode_length": self.length / self.episodes}
        metrics |= {f"env_agent/{name}": total / agents for name, total in self.of_agents.items()}
        metrics |= {f"env_game/{name}": total / self.episodes for name, total in self.of_games.items()}
        metrics |= {f"env_group/{name}": total / self.episodes for name, total in self.of_groups.items()}
        return dict(sorted(metrics.items()))

    def to_json(self) -> dict[str, Any]:
        """Plain JSON."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Inverse of ``to_json``."""
        return cls(**data)

    @classmethod
    def total(cls, parts: Iterable[EpisodeSums]) -> EpisodeSums:
        """Sum of ``parts``, in their order."""
        total = EpisodeSums()
        for part in parts:
            total.episodes += part.episodes
            total.agents += part.agents
            total.length += part.length
            total.reward += part.reward
            for mine, theirs in (
                (total.of_agents, part.of_agents),
                (total.of_games, part.of_games),
                (total.of_groups, part.of_groups),
            ):
                for name, value in theirs.items():
                    mine[name] = mine.get(name, 0.0) + value
        return total


def sum_episodes(records: Sequence[EpisodeRecord]) -> EpisodeSums:
    """Sums over whole episodes and the agents that entered them."""
    rewards = [record.of_those_who_entered(record.rewards) for record in records]
    of_agents = [
        {name: record.of_those_who_entered(values) for name, values in record.agent_stats.items()} for record in records
    ]
    return EpisodeSums(
        episodes=len(records),
        agents=sum(map(len, rewards)),
        length=sum(record.length for record in records),
        reward=sum(float(entered.sum(dtype=np.float64)) for entered in rewards),
        of_agents=_sums(of_agents),
        of_games=_sums([record.game_stats for record in records]),
        of_groups=_group_sums([record.group_stats for record in records]),
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
