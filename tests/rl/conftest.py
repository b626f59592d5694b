"""A corridor small enough to check by hand, with everything that the batch protocol allows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.rl.trainer_config import TrainerConfig

LENGTH, MAX_STEPS = 5, 9


class CorridorVecEnv:
    """Each environment is one agent in a corridor of five cells; the right end terminates with reward 1, nine steps
    truncate, a wall left of cell 0 masks action 0. Two slots, next-step auto-reset, exact snapshots::

        | 0 1 2 3 G        action 0 = left, 1 = right, 2 = stay (reward -0.1)
    """

    num_slots = 2

    def __init__(self, num_envs: int = 4, seed: int = 0) -> None:
        self.spec = EnvSpec(
            name="corridor",
            obs_kind="box",
            obs_shape=(2,),
            obs_dtype="float32",
            action_names=("left", "right", "stay"),
            num_agents=1,
        )
        self.num_envs = self.num_rows = num_envs
        self.reset(seed)

    def reset(self, seed: int) -> None:
        n = self.num_envs
        self.state: dict[str, NDArray[Any]] = {
            "seed": np.array([seed], np.int64),
            "episode": np.zeros(n, np.int64),
            "position": np.zeros(n, np.int64),
            "steps": np.zeros(n, np.int64),
            "rewards": np.zeros(n, np.float32),
            "total": np.zeros(n, np.float32),
            "first": np.zeros(n, np.bool_),
            "terminated": np.zeros(n, np.bool_),
            "truncated": np.zeros(n, np.bool_),
        }
        self.episodes: list[EpisodeRecord] = []
        for env in range(n):
            self._start(env)

    def _start(self, env: int) -> None:
        s = self.state
        rng = np.random.default_rng([int(s["seed"][0]) % 2**32, env, int(s["episode"][env])])
        s["position"][env], s["steps"][env], s["total"][env] = rng.integers(0, LENGTH - 1), 0, 0.0
        s["rewards"][env], s["first"][env], s["terminated"][env], s["truncated"][env] = 0.0, True, False, False

    def _slice(self, slot: int) -> slice:
        half = self.num_envs // 2
        return slice(slot * half, (slot + 1) * half)

    def recv(self, slot: int) -> StepBatch:
        rows, s = self._slice(slot), self.state
        mask = np.ones((rows.stop - rows.start, 3), np.bool_)
        mask[:, 0] = s["position"][rows] > 0
        obs = np.stack([s["position"][rows] / LENGTH, s["steps"][rows] / MAX_STEPS], axis=1).astype(np.float32)
        return StepBatch(
            slot=slot,
            rows=rows,
            observations=obs,
            rewards=s["rewards"][rows],
            terminated=s["terminated"][rows],
            truncated=s["truncated"][rows],
            first=s["first"][rows],
            action_mask=mask,
        )

    def send(self, slot: int, actions: NDArray[np.int32]) -> None:
        s, rows = self.state, self._slice(slot)
        for env, action in zip(range(rows.start, rows.stop), actions.tolist(), strict=True):
            if s["terminated"][env] or s["truncated"][env]:
                s["episode"][env] += 1
                self._start(env)
                continue
            assert action != 0 or s["position"][env] > 0, "a masked action was chosen"
            s["first"][env] = False
            s["position"][env] += (-1, 1, 0)[action]
            s["steps"][env] += 1
            s["terminated"][env] = s["position"][env] == LENGTH - 1
            s["truncated"][env] = s["steps"][env] >= MAX_STEPS and not s["terminated"][env]
            s["rewards"][env] = 1.0 if s["terminated"][env] else (-0.1 if action == 2 else 0.0)
            s["total"][env] += s["rewards"][env]
            if s["terminated"][env] or s["truncated"][env]:
                self._record(env)

    def _record(self, env: int) -> None:
        s = self.state
        rewards = s["total"][env : env + 1].astype(np.float32)
        flags = bool(s["terminated"][env]), bool(s["truncated"][env])
        record = EpisodeRecord(env, int(s["episode"][env]), int(s["steps"][env]), rewards, *flags)
        self.episodes.append(record)

    def drain_episodes(self) -> list[EpisodeRecord]:
        drained, self.episodes = self.episodes, []
        return drained

    def snapshot(self) -> dict[str, NDArray[np.generic]] | None:
        assert not self.episodes, "drain before taking a snapshot"
        return {key: value.copy() for key, value in self.state.items()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        self.state = {key: np.array(state[key]) for key in self.state}

    def close(self) -> None:
        pass


@pytest.fixture
def corridor() -> Callable[..., CorridorVecEnv]:
    """Makes corridors: ``corridor(num_envs, seed)``."""
    return CorridorVecEnv


@pytest.fixture
def small() -> TrainerConfig:
    """64 steps an epoch for four rows: two segments of eight steps each, four minibatches, two passes."""
    sizes = {"batch_size": 64, "minibatch_size": 16, "bptt_horizon": 8, "update_epochs": 2, "total_timesteps": 256}
    return TrainerConfig().replace(sizes)
