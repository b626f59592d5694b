"""Same-step reset: rows of an ended episode show its end and the next one's beginning at once."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metta.common.errors import EnvError
from metta.common.vector_env import StepBatch
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_buffers import VecBuffers
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import Play


def make(mode: str, num_envs: int = 3, max_steps: int = 4, desync: bool = True, threads: int = 1) -> VecEnv:
    game = make_arena(2).replace(
        {"game.max_steps": max_steps, "game.agent.rewards.stats": {"action.move.success": 0.25}}
    )
    config = VecEnvConfig(env=game, num_envs=num_envs, num_threads=threads, num_slots=1, desync_episodes=desync)
    return make_vec_env(config.replace({"autoreset": mode}), seed=5)


def step(env: VecEnv, actions: NDArray[np.int32]) -> StepBatch:
    env.recv(0)
    env.send(0, actions)
    return env.recv(0)


def whole(batch: StepBatch) -> list[bytes]:
    ended = batch.terminated | batch.truncated
    arrays = [batch.observations, batch.rewards, batch.terminated, batch.truncated, batch.first, batch.action_mask]
    assert batch.final_observations is not None
    return [np.asarray(array).tobytes() for array in (*arrays, batch.final_observations[ended])]


def test_same_step_is_next_step_without_the_rows_between() -> None:
    """Both modes play the same episodes; the final row of the one is the side buffer of the other."""
    same, later, play = make("same_step", num_envs=1), make("next_step", num_envs=1), Play(3)
    assert later.recv(0).final_observations is None
    ends = 0
    for _ in range(14):
        actions = play(same.recv(0))
        now, then = step(same, actions), step(later, actions)
        np.testing.assert_array_equal(now.rewards, then.rewards)
        np.testing.assert_array_equal(now.truncated, then.truncated)
        np.testing.assert_array_equal(same.action_success, later.action_success)
        assert not now.terminated.any()
        if then.truncated.any():
            ends += 1
            assert now.final_observations is not None
            np.testing.assert_array_equal(now.final_observations, then.observations)
            assert now.first.all()
            then = step(later, actions)  # only resets
        np.testing.assert_array_equal(now.observations, then.observations)
        np.testing.assert_array_equal(now.first, then.first)
        assert now.action_mask is not None
        np.testing.assert_array_equal(now.action_mask, then.action_mask)
    mine, others = same.drain_episodes(), later.drain_episodes()
    assert ends == len(mine) == len(others) > 2
    for one, other in zip(mine, others, strict=True):
        assert (one.length, one.episode, one.partial) == (other.length, other.episode, other.partial)
        assert one.game_stats == other.game_stats
        np.testing.assert_array_equal(one.rewards, other.rewards)


def test_a_snapshot_restores_what_recv_returned() -> None:
    env, play = make("same_step"), Play(1)
    seen_end = 0
    for _ in range(12):
        batch = step(env, play(env.recv(0)))
        seen_end += int((batch.truncated & batch.first).any())
        state, here = env.snapshot(), whole(batch)
        alone = env.snapshot_env(1)
        again, fresh = Play(7), make("same_step")
        future = [whole(step(env, again(env.recv(0)))) for _ in range(5)]
        again = Play(7)
        fresh.restore(state)
        assert whole(fresh.recv(0)) == here
        assert [whole(step(fresh, again(fresh.recv(0)))) for _ in range(5)] == future
        env.restore(state)
        assert whole(env.recv(0)) == here
        step(env, play(env.recv(0)))
        env.restore_env(1, alone)
        assert env.snapshot_env(1) == alone
        fresh.close()
    assert seen_end > 2
    handle = env.save(0)
    step(env, play(env.recv(0)))
    env.load(0, handle)
    env.fork(0, 2)
    assert env.state_hash(0) == env.state_hash(2)


def test_critics_get_the_state_in_which_an_episode_ended() -> None:
    """As with observations: what next-step mode shows one step longer stands beside the new episode's first state."""
    config = make_arena(3).replace({"game.max_steps": 4, "game.obs.global_state": True})
    batch = VecEnvConfig(env=config, num_envs=2, num_threads=1, num_slots=2, desync_episodes=False)
    later = make_vec_env(batch, seed=5)
    same = make_vec_env(batch.replace({"autoreset": "same_step"}), seed=5)
    assert later.recv(0).final_state is None
    actions = np.ones(3, dtype=np.int32)
    for _ in range(4):
        for env in (same, later):
            for slot in range(2):
                env.recv(slot)
                env.send(slot, actions)
    snapshot = same.snapshot()
    for slot in range(2):
        now, then = same.recv(slot), later.recv(slot)
        assert now.truncated.all()
        assert now.final_state is not None
        assert then.state is not None
        assert now.final_state.shape == (1, *same.spec.state_shape)
        np.testing.assert_array_equal(now.final_state, then.state)
        later.send(slot, actions)  # only resets
        np.testing.assert_array_equal(now.state, later.recv(slot).state)
    assert same.final_state is not None
    expected = same.final_state.copy()
    same.final_state[...] = 7
    same.restore(snapshot)
    np.testing.assert_array_equal(same.final_state, expected)
    same.close()
    later.close()


def test_threads_do_not_matter() -> None:
    runs = []
    for threads in (1, 3):
        env, play = make("same_step", num_envs=40, threads=threads), Play(2)
        runs.append([whole(step(env, play(env.recv(0)))) for _ in range(12)])
        env.close()
    assert runs[0] == runs[1]


def test_snapshots_and_buffers_of_the_other_mode_are_refused() -> None:
    env, later = make("same_step", max_steps=1, desync=False), make("next_step", max_steps=1, desync=False)
    step(env, np.zeros(env.num_rows, dtype=np.int32))
    with pytest.raises(EnvError, match="Restore it with the autoreset that it was taken with"):
        later.restore(env.snapshot())
    with pytest.raises(EnvError, match="final_observations is given, but autoreset is next_step"):
        later.bind(VecBuffers.allocate(later.spec, later.num_rows, same_step=True))
    with pytest.raises(EnvError, match="final_observations is missing, but autoreset is same_step"):
        env.bind(VecBuffers.allocate(env.spec, env.num_rows))
