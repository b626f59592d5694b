"""More about the episodes that ended than their means: spread, rates, rolling averages, reward by map."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.common.vector_env import EpisodeRecord
    from metta.rl.context import TrainerContext, UpdateStats

_AVERAGED = ("overview/", "env_agent/", "env_game/", "env_group/")


class EpisodeDetails(MonitorPart):
    """Adds to each mean ``X`` of the ended episodes, in epochs in which some ended:

    =======================  ===========================================================================
    ``X.std_dev``            spread over the agents (``env_agent/*``, ``overview/reward``) or over the
                             episodes (``env_game/*``, ``overview/episode_length``)
    ``X.rate``               ``env_agent/*``: per step of an agent, all episodes together
    ``X.avg``                rolling mean of ``X`` over the last ``window`` epochs in which episodes ended
    =======================  ===========================================================================

    and ``env_map_reward/<game>``: mean reward of an agent, by the label of the game that was played. Each epoch has
    ``experience/area_under_reward``: the newest mean reward times the epoch's agent-steps, summed over the run.
    """

    name = "episode_details"

    def __init__(self, window: int, *, details: bool = True) -> None:
        self.window = window
        self.details = details
        self._rows: deque[dict[str, float]] = deque(maxlen=window)
        self._area = 0.0
        self._reward = 0.0

    def determined(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        episodes = stats.rollout.episodes
        self._reward = episodes.get("overview/reward", self._reward)
        self._area += self._reward * stats.rollout.agent_steps
        area = {"experience/area_under_reward": self._area}
        if not self.details or not stats.rollout.records:
            return area
        self._rows.append({name: value for name, value in episodes.items() if name.startswith(_AVERAGED)})
        return {**area, **spread_and_rate(stats.rollout.records), **self._averages()}

    def _averages(self) -> dict[str, float]:
        sums: dict[str, list[float]] = {}
        for row in self._rows:
            for name, value in row.items():
                sums.setdefault(name, []).append(value)
        return {f"{name}.avg": sum(values) / len(values) for name, values in sums.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"rows": list(self._rows), "area": self._area, "reward": self._reward}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._rows = deque((dict(row) for row in state.get("rows", ())), maxlen=self.window)
        self._area, self._reward = float(state.get("area", 0.0)), float(state.get("reward", 0.0))


def spread_and_rate(records: Sequence[EpisodeRecord]) -> dict[str, float]:
    """``.std_dev``, ``.rate`` and ``env_map_reward/*`` of whole episodes. A stat that an episode lacks counts as 0."""
    rewards = [record.of_those_who_entered(record.rewards).astype(np.float64) for record in records]
    metrics = {
        "overview/reward.std_dev": _deviation(np.concatenate(rewards)),
        "overview/episode_length.std_dev": _deviation(np.array([record.length for record in records], np.float64)),
    }
    agents = [len(entered) for entered in rewards]
    steps = sum(record.length * number for record, number in zip(records, agents, strict=True))
    for name in sorted({name for record in records for name in record.agent_stats}):
        values = np.concatenate(
            [
                record.of_those_who_entered(record.agent_stats[name])
                if name in record.agent_stats
                else np.zeros(number)
                for record, number in zip(records, agents, strict=True)
            ]
        )
        metrics[f"env_agent/{name}.std_dev"] = _deviation(values)
        metrics[f"env_agent/{name}.rate"] = float(values.sum()) / steps if steps else 0.0
    for name in sorted({name for record in records for name in record.game_stats}):
        values = np.array([record.game_stats.get(name, 0.0) for record in records], np.float64)
        metrics[f"env_game/{name}.std_dev"] = _deviation(values)
    return {**metrics, **_reward_by_game(records, rewards)}


def _reward_by_game(records: Sequence[EpisodeRecord], rewards: Sequence[NDArray[np.float64]]) -> dict[str, float]:
    by_game: dict[str, list[NDArray[np.float64]]] = {}
    for record, entered in zip(records, rewards, strict=True):
        if record.game:
            by_game.setdefault(record.game, []).append(entered)
    return {
        f"env_map_reward/{game}": float(values.mean())
        for game, parts in sorted(by_game.items())
        if len(values := np.concatenate(parts))
    }


def _deviation(values: NDArray[np.float64]) -> float:
    """Standard deviation of the values themselves (not an estimate for more of them); 0 where there are none."""
    return float(values.std()) if len(values) else 0.0
