"""Results go where the caller wants them."""

from __future__ import annotations

import gc
import sys
from dataclasses import fields, replace

import numpy as np
import pytest

from metta.common.errors import EnvError, ShapeContractError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.spec import env_spec
from metta.mettagrid.vec_buffers import VecBuffers, any_set
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

CONFIG = VecEnvConfig(env=make_arena(3), num_envs=4, num_slots=1, num_threads=2)
NOOPS = np.zeros(12, dtype=np.int32)


def buffers() -> VecBuffers:
    return VecBuffers.allocate(env_spec(CONFIG.env), CONFIG.num_rows)


def step(env: VecEnv) -> None:
    env.send(0, NOOPS)
    env.recv(0)


def test_results_are_written_into_the_callers_arrays() -> None:
    mine = buffers()
    env, other = make_vec_env(CONFIG, 3, mine), make_vec_env(CONFIG, 3)
    env.recv(0)
    other.recv(0)
    assert env.recv(0).observations.base is mine.observations
    for field in fields(VecBuffers):
        np.testing.assert_array_equal(getattr(mine, field.name), getattr(other.buffers, field.name))
    assert mine.first.all()


def test_buffers_can_be_changed_between_steps() -> None:
    env, other = make_vec_env(CONFIG, 3), make_vec_env(CONFIG, 3)
    env.recv(0)
    other.recv(0)
    first = env.buffers
    before = first.observations.copy()
    second = buffers()
    env.bind(second)
    step(env)
    step(other)
    np.testing.assert_array_equal(first.observations, before)
    np.testing.assert_array_equal(second.observations, other.observations)
    assert env.observations is second.observations


def test_arrays_live_exactly_as_long_as_they_are_bound() -> None:
    env = make_vec_env(CONFIG, 3)
    env.recv(0)
    idle, mine = buffers(), buffers()
    count = sys.getrefcount(idle.rewards)
    for _ in range(3):
        env.bind(idle)
        step(env)
        env.bind(mine)
        step(env)
    left = sys.getrefcount(idle.rewards)
    assert left == count
    env.bind(buffers())
    gc.collect()
    step(env)  # nobody but the engine holds these: it must


def test_unfit_arrays_are_refused_and_the_old_ones_stay() -> None:
    env = make_vec_env(CONFIG, 3)
    env.recv(0)
    with pytest.raises(ShapeContractError, match=r"rewards is float64\[12\], expected float32\[12\]"):
        env.bind(replace(buffers(), rewards=np.zeros(12)))  # pyright: ignore[reportArgumentType] - the mistake
    with pytest.raises(ShapeContractError, match="not C-contiguous"):
        env.bind(replace(buffers(), first=np.zeros(24, dtype=np.bool_)[::2]))
    step(env)


def test_any_set_is_any() -> None:
    flags = np.zeros((3, 50), dtype=np.bool_)
    assert not any_set(flags)
    flags[2, 49] = True
    assert any_set(flags)
    assert not any_set(flags[:, ::2])
    assert any_set(flags > -1)


def test_an_episode_begins_on_request() -> None:
    env = make_vec_env(CONFIG, 3)
    env.recv(0)
    step(env)
    others = env.observations[3:].copy()
    env.begin_next(0)
    assert env.recv(0).first.tolist() == [True] * 3 + [False] * 9
    assert (env.episode(0), env.step_count(0), env.episode(1)) == (1, 0, 0)
    np.testing.assert_array_equal(env.observations[3:], others)
    assert env.drain_episodes() == []
    with pytest.raises(EnvError, match="environment 4 does not exist"):
        env.begin_next(4)


def test_a_begun_episode_is_the_one_that_auto_reset_begins() -> None:
    short = CONFIG.replace({"env.game.max_steps": 2, "desync_episodes": False})
    env, other = make_vec_env(short, 3), make_vec_env(short, 3)
    env.recv(0)
    other.recv(0)
    for _ in range(3):
        step(other)  # two steps and the reset
    for i in range(4):
        env.begin_next(i)
    np.testing.assert_array_equal(env.observations, other.observations)


def test_a_strict_batch_names_the_wrong_action() -> None:
    env = make_vec_env(CONFIG, 3)
    env.recv(0)
    actions = NOOPS.copy()
    actions[5] = 14
    with pytest.raises(EnvError, match=r"actions\[5\] = 14 is no action of this game, expected 0 .. 13 \(noop .. att"):
        env.send(0, actions, strict=True)
    actions[5] = -1
    with pytest.raises(EnvError, match=r"actions\[5\] = -1"):
        env.send(0, actions, strict=True)
    env.send(0, actions)
    env.recv(0)
    assert not env.action_success[5]
