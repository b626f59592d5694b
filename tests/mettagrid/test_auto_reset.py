"""Episodes end and begin again inside the batch, as metta/common/vector_env.py draws it."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.env_spec import GLOBAL_LOCATION
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig


def make(max_steps: int, num_envs: int = 1, desync: bool = False, seed: int = 0) -> VecEnv:
    game = make_arena(2).replace(
        {"game.max_steps": max_steps, "game.agent.rewards.stats": {"action.noop.success": 0.5}}
    )
    config = VecEnvConfig(env=game, num_envs=num_envs, num_threads=1, num_slots=1, desync_episodes=desync)
    return make_vec_env(config, seed)


def noop(env: VecEnv) -> None:
    env.recv(0)
    env.send(0, np.zeros(env.num_rows, dtype=np.int32))


def completion(env: VecEnv) -> int:
    tokens = env.recv(0).observations[0]
    (value,) = tokens[(tokens[:, 0] == GLOBAL_LOCATION) & (tokens[:, 1] == 7)][:, 2]
    return int(value)


def test_next_step_reset() -> None:
    env = make(max_steps=2)
    seen = []
    for _ in range(7):
        batch = env.recv(0)
        seen.append((bool(batch.first[0]), bool(batch.truncated[0]), float(batch.rewards[0]), completion(env)))
        noop(env)
    episode = [(True, False, 0.0, 0), (False, False, 0.5, 127), (False, True, 0.5, 255)]
    assert seen == [*episode, *episode, episode[0]]
    assert not env.recv(0).terminated.any()


def test_the_action_after_the_end_is_ignored() -> None:
    worlds = []
    for action in (0, 3, 99):
        env = make(max_steps=2)
        noop(env)
        noop(env)
        assert env.recv(0).truncated.all()
        env.send(0, np.full(env.num_rows, action, dtype=np.int32))
        assert env.recv(0).first.all()
        worlds.append(env.state_hash(0))
    assert len(set(worlds)) == 1


def test_records_are_ordered_and_whole() -> None:
    env = make(max_steps=3, num_envs=3)
    for _ in range(8):
        noop(env)
    records = env.drain_episodes()
    assert [(r.episode, r.env) for r in records] == [(e, i) for e in range(2) for i in range(3)]
    for record in records:
        assert (record.length, record.truncated, record.terminated, record.partial) == (3, True, False, False)
        np.testing.assert_allclose(record.rewards, [1.5, 1.5])
    assert env.drain_episodes() == []


def test_endless_game_never_ends() -> None:
    env = make(max_steps=0)
    for _ in range(1200):
        noop(env)
        assert not env.recv(0).truncated.any()
    assert completion(env) == 0
    assert env.drain_episodes() == []


def test_desync_cuts_each_first_episode_once() -> None:
    env = make(max_steps=40, num_envs=16, desync=True, seed=3)
    records = []
    for _ in range(130):
        noop(env)
        records += env.drain_episodes()
    env.recv(0)
    first = [record for record in records if record.episode == 0]
    assert len(first) == 16
    assert all(record.partial and 1 <= record.length < 40 for record in first)
    assert len({record.length for record in first}) > 8, "episodes still end together"
    assert all(record.length == 40 and not record.partial for record in records if record.episode)


@pytest.mark.parametrize(("reward", "token"), [(0.5, 178), (1.27, 255), (3.0, 255), (-0.5, 78), (-9.0, 0), (0.0, 128)])
def test_last_reward_token_tells_the_truth(reward: float, token: int) -> None:
    game = make_arena(1).replace({"game.agent.rewards.stats": {"action.noop.success": reward}})
    env = make_vec_env(VecEnvConfig(env=game, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False), 0)
    noop(env)
    batch = env.recv(0)
    assert batch.rewards[0] == pytest.approx(reward)
    tokens = batch.observations[0]
    assert tokens[(tokens[:, 0] == GLOBAL_LOCATION) & (tokens[:, 1] == 10)][:, 2].tolist() == [token]
