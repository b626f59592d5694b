"""The batch's Python face: views, slots, snapshots, and the errors of wrong use."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig


def make(num_envs: int = 4, slots: int = 2, threads: int = 2, max_steps: int = 20, desync: bool = True) -> VecEnv:
    game = make_arena(3).replace({"game.max_steps": max_steps, "game.agent.initial_inventory": {"laser": 2}})
    config = VecEnvConfig(env=game, num_envs=num_envs, num_threads=threads, num_slots=slots, desync_episodes=desync)
    return make_vec_env(config, seed=5)


def random_actions(rng: np.random.Generator, rows: int) -> NDArray[np.int32]:
    return rng.integers(0, 14, size=rows, dtype=np.int32)


def play(env: VecEnv, rng: np.random.Generator, steps: int) -> None:
    for _ in range(steps):
        for slot in range(env.num_slots):
            batch = env.recv(slot)
            env.send(slot, random_actions(rng, len(batch.rewards)))


def returned(env: VecEnv) -> list[NDArray[Any]]:
    """Copies of everything that the batch shows."""
    for slot in range(env.num_slots):
        env.recv(slot)
    views = (env.observations, env.rewards, env.terminated, env.truncated, env.first, env.action_mask)
    return [view.copy() for view in (*views, env.action_success, env.used_tokens)]


def assert_equal(left: list[NDArray[Any]], right: list[NDArray[Any]]) -> None:
    for one, other in zip(left, right, strict=True):
        np.testing.assert_array_equal(one, other)


def test_shapes_and_rows() -> None:
    env = make()
    batch = env.recv(1)
    assert batch.rows == slice(6, 12)
    assert batch.observations.shape == (6, 200, 3)
    assert batch.observations.dtype == np.uint8
    assert batch.rewards.shape == batch.first.shape == (6,)
    assert batch.action_mask is not None
    assert batch.action_mask.shape == (6, 14)
    assert batch.first.all()
    assert batch.action_mask[:, 0].all()
    assert np.shares_memory(batch.observations, env.observations)
    used = (batch.observations[:, :, 0] != 0xFF).sum(axis=1)
    np.testing.assert_array_equal(env.used_tokens[batch.rows], used)


def test_actions_are_copied_by_send() -> None:
    env, other = make(slots=1), make(slots=1)
    actions = np.full(12, 1, dtype=np.int32)
    env.recv(0)
    env.send(0, actions)
    actions[:] = 0
    other.recv(0)
    other.send(0, np.full(12, 1, dtype=np.int32))
    assert_equal(returned(env), returned(other))


def test_snapshot_and_restore_are_exact_in_any_state_of_the_slots() -> None:
    env = make()
    play(env, np.random.default_rng(1), 31)
    env.recv(0)  # slot 0 has been received, slot 1 may still run
    state = env.snapshot()
    assert {array.dtype for array in state.values()} == {np.dtype(np.uint8), np.dtype(np.float64)}
    here = returned(env)
    assert env.drain_episodes()
    play(env, np.random.default_rng(2), 50)
    there, episodes = returned(env), env.drain_episodes()
    env.restore(state)
    assert_equal(returned(env), here)
    pending = env.drain_episodes()
    assert pending[0].partial
    play(env, np.random.default_rng(2), 50)
    assert_equal(returned(env), there)
    again = env.drain_episodes()
    assert [(record.env, record.episode) for record in again] == [(record.env, record.episode) for record in episodes]
    for one, two in zip(again, episodes, strict=True):
        np.testing.assert_array_equal(one.rewards, two.rewards)


def test_a_snapshot_crosses_to_another_batch_of_the_same_game() -> None:
    env, other = make(), make(threads=1, slots=1)
    play(env, np.random.default_rng(1), 9)
    other.restore(env.snapshot())
    assert_equal(returned(other), returned(env))
    assert other.state_hash(3) == env.state_hash(3)


def test_foreign_snapshots_are_refused() -> None:
    env = make()
    state = env.snapshot()
    with pytest.raises(EnvError, match="num_envs"):
        make(num_envs=2).restore(state)
    with pytest.raises(EnvError, match="lacks"):
        env.restore({})
    with pytest.raises(EnvError, match="another game"):
        env.restore_env(0, env.snapshot_env(0)[:-1])
    with pytest.raises(EnvError, match="contradicts itself"):
        env.restore_env(0, env.snapshot_env(0)[:64] + bytes(len(env.snapshot_env(0)) - 64))
    with pytest.raises(EnvError, match="episode records"):
        env.restore({**state, "episodes": np.zeros(5)})


def test_one_environment_goes_back_alone() -> None:
    env = make(slots=1)
    env.recv(0)
    world, before = env.snapshot_env(2), env.observations.copy()
    play(env, np.random.default_rng(3), 7)
    env.recv(0)
    others = env.observations.copy()
    env.restore_env(2, world)
    np.testing.assert_array_equal(env.observations[6:9], before[6:9])
    np.testing.assert_array_equal(env.observations[:6], others[:6])


def test_a_saved_world_can_be_loaded_again_and_again() -> None:
    env, rng = make(slots=1, max_steps=50), np.random.default_rng(1)
    play(env, rng, 7)
    env.recv(0)
    saved, world, before = env.save(1), env.snapshot_env(1), [array.copy() for array in returned(env)]
    assert saved.num_bytes == env.program.world_bytes
    for _ in range(3):
        play(env, rng, 5)
        env.recv(0)
        others = [env.state_hash(i) for i in (0, 2, 3)]
        assert env.snapshot_env(1) != world
        env.load(1, saved)
        assert env.snapshot_env(1) == world
        rows = slice(env.spec.num_agents, 2 * env.spec.num_agents)
        assert_equal([array[rows] for array in returned(env)], [array[rows] for array in before])
        assert [env.state_hash(i) for i in (0, 2, 3)] == others


def test_a_fork_returns_the_same_for_the_same_actions() -> None:
    env, rng = make(slots=1, max_steps=30), np.random.default_rng(2)
    agents = env.spec.num_agents
    play(env, rng, 9)
    env.recv(0)
    env.fork(0, 3)
    for _ in range(40):  # past the episode's end: the next map is the same too
        actions = random_actions(rng, env.num_rows)
        actions[3 * agents :] = actions[:agents]
        env.send(0, actions)
        env.recv(0)
        assert_equal([array[:agents] for array in returned(env)], [array[3 * agents :] for array in returned(env)])
        assert env.state_hash(0) == env.state_hash(3) != env.state_hash(1)
    assert {record.env for record in env.drain_episodes()} >= {0, 3}


def test_a_saved_world_of_another_batch_is_refused() -> None:
    env, other = make(), make()
    with pytest.raises(EnvError, match="another compiled game"):
        env.load(0, other.save(0))
    with pytest.raises(EnvError, match="environment 4 does not exist"):
        env.fork(0, 4)


def test_a_timed_step_is_the_same_step() -> None:
    timed, plain = make(slots=1, max_steps=9), make(slots=1, max_steps=9)
    rng, phases = np.random.default_rng(5), dict[str, tuple[int, int]]()
    for _ in range(12):
        actions = random_actions(rng, plain.num_rows)
        timed.recv(0)
        phases = timed.step_timed(actions)
        plain.recv(0)
        plain.send(0, actions)
        plain.recv(0)
        assert_equal(returned(timed), returned(plain))
    assert {"timed_events", "actions", "systems", "rewards", "observations", "masks", "clock"} <= phases.keys()
    assert all(spent >= 0 and count >= 0 for spent, count in phases.values())
    assert len(timed.drain_episodes()) == len(plain.drain_episodes()) > 0


def test_records_name_their_statistics() -> None:
    env = make(num_envs=1, slots=1, max_steps=5, desync=False)
    play(env, np.random.default_rng(0), 5)
    (record,) = env.drain_episodes()
    assert record.length == 5
    assert record.truncated
    assert not record.terminated
    assert record.rewards.dtype == np.float32
    assert set(record.agent_stats) == set(env.program.agent_stat_names)
    assert record.agent_stats["laser.amount"].shape == (3,)
    assert record.game_stats["objects.altar"] == 5
    assert record.game_stats["tokens_dropped"] == 0
    assert record.group_stats["reward"][0] == pytest.approx(float(record.rewards.sum()), abs=1e-5)
    assert record.group_ids is not None
    assert record.group_ids.tolist() == [0, 0, 0]
    assert env.drain_episodes() == []


@pytest.mark.parametrize(
    ("actions", "message"),
    [
        (np.zeros(6, dtype=np.int64), r"actions is int64\[6\], expected int32\[6\]"),
        (np.zeros(5, dtype=np.int32), r"actions is int32\[5\], expected int32\[6\]"),
        (np.zeros((6, 1), dtype=np.int32), r"int32\[6, 1\]"),
        (np.zeros(12, dtype=np.int32)[::2], "not C-contiguous"),
        ([0] * 6, "actions is a list"),
    ],
)
def test_wrong_actions(actions: Any, message: str) -> None:
    env = make()
    env.recv(0)
    with pytest.raises(ShapeContractError, match=message):
        env.send(0, actions)
    env.send(0, np.zeros(6, dtype=np.int32))  # the batch still works


def test_buffers_are_checked_when_bound() -> None:
    program = compile_game(make_arena(2))
    native = _core.VecEnv([program], num_envs=1, num_slots=1, num_threads=1, desync_episodes=False)
    good: dict[str, Any] = {
        "observations": np.zeros((2, 200, 3), dtype=np.uint8),
        "rewards": np.zeros(2, dtype=np.float32),
        "action_mask": np.zeros((2, 14), dtype=np.bool_),
        "used_tokens": np.zeros(2, dtype=np.uint16),
    } | {name: np.zeros(2, dtype=np.bool_) for name in ("terminated", "truncated", "first", "action_success")}
    with pytest.raises(EnvError, match="bind"):
        native.reset(0)
    read_only = np.zeros(2, dtype=np.float32)
    read_only.setflags(write=False)
    for name, array, message in (
        ("observations", np.zeros((2, 100, 3), dtype=np.uint8), r"uint8\[2, 100, 3\], expected uint8\[2, 200, 3\]"),
        ("observations", np.zeros((2, 200, 6), dtype=np.uint8)[:, :, ::2], "not C-contiguous"),
        ("rewards", np.zeros(2), "float64"),
        ("rewards", read_only, "read-only"),
        ("first", np.zeros(2, dtype=np.uint8), "expected bool"),
    ):
        with pytest.raises(ShapeContractError, match=message):
            native.bind(**{**good, name: array})
    native.bind(**good)
    native.reset(0)
    native.recv(0)
    assert good["first"].all()


def test_protocol_errors() -> None:
    env = make()
    zeros = np.zeros(6, dtype=np.int32)
    with pytest.raises(EnvError, match=r"Call recv\(0\) first"):
        env.send(0, zeros)
    env.recv(0)
    env.send(0, zeros)
    with pytest.raises(EnvError, match="was sent again"):
        env.send(0, zeros)
    with pytest.raises(EnvError, match="slot 2 does not exist"):
        env.recv(2)
    with pytest.raises(EnvError, match="environment 4 does not exist"):
        env.state_hash(4)
    with pytest.raises(ConfigError, match="seed"):
        env.reset(-1)


@pytest.mark.parametrize(
    "use",
    [
        lambda env: env.recv(0),
        lambda env: env.send(0, np.zeros(6, dtype=np.int32)),
        lambda env: env.reset(0),
        lambda env: env.drain_episodes(),
        lambda env: env.snapshot(),
        lambda env: env.render(0),
    ],
)
def test_nothing_works_after_close(use: Callable[[VecEnv], object]) -> None:
    env = make()
    env.close()
    env.close()
    with pytest.raises(EnvError, match="was closed"):
        use(env)


def test_uneven_slots_are_refused_by_the_config() -> None:
    with pytest.raises(ConfigError, match="num_slots=2"):
        VecEnvConfig(num_envs=3, num_slots=2)


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda env: env.recv(-1), EnvError, "slot -1 does not exist, expected 0 .. 0"),
        (lambda env: env.recv("0"), EnvError, "slot '0' does not exist"),
        (lambda env: env.send(-1, np.zeros(2, np.int32)), EnvError, "slot -1 does not exist"),
        (lambda env: env.load(0, None), EnvError, "the saved world is a NoneType, expected what save returned"),
        (lambda env: env.restore_env(0, "abc"), EnvError, "the snapshot is a str, expected the bytes"),
        (lambda env: env.set_game(0, {}), ConfigError, r"the game is a dict.*model_validate\(data\)"),
        (lambda env: env.reset(1.5), ConfigError, "seed=1.5, expected .* a whole number"),
    ],
)
def test_arguments_of_another_type_are_named(
    use: Callable[[VecEnv], object], error: type[Exception], message: str
) -> None:
    env = make_vec_env(VecEnvConfig(env=make_arena(2), num_envs=1, num_slots=1, num_threads=1), seed=0)
    with pytest.raises(error, match=message):
        use(env)
    env.recv(0)
    env.close()


@pytest.mark.parametrize("shift", [0, 1])
def test_buffers_that_share_memory_are_refused(shift: int) -> None:
    env = make_vec_env(VecEnvConfig(env=make_arena(2), num_envs=2, num_slots=1, num_threads=1), seed=0)
    memory = np.zeros(env.num_rows + 1, dtype=np.bool_)
    flags, others = memory[:-1], memory[shift : shift + env.num_rows]
    shared = replace(env.buffers, terminated=flags, action_success=others)
    with pytest.raises(ShapeContractError, match="terminated and action_success share memory"):
        env.bind(shared)
    whole = np.zeros(2 * env.num_rows, dtype=np.bool_)
    env.bind(replace(env.buffers, terminated=whole[: env.num_rows], action_success=whole[env.num_rows :]))
    env.close()


def test_the_engine_checks_what_the_config_classes_would() -> None:
    data = make_arena(2).game.model_dump(mode="json")
    with pytest.raises(ConfigError, match=r"game\.obs has keys that the engine does not know.*widht"):
        _core.GameProgram({**data, "obs": {"widht": 3}})
    with pytest.raises(ConfigError, match=r"game\.num_agents is 'many'"):
        _core.GameProgram({**data, "num_agents": "many"})
    with pytest.raises(ConfigError, match=r"game\.map\.type='cave'"):
        _core.GameProgram({**data, "map": {"type": "cave"}})
    with pytest.raises(ConfigError, match="'lake'"):
        _core.GameProgram({**data, "map": {**data["map"], "border_object": "lake"}})


def test_other_python_threads_run_while_the_batch_steps() -> None:
    env = make(num_envs=256, slots=1, threads=1)
    env.recv(0)
    ticks = [0]
    stop = threading.Event()

    def count() -> None:
        while not stop.is_set():
            ticks[0] += 1
            time.sleep(0)

    counter = threading.Thread(target=count)
    # With this interval nobody takes the interpreter's lock away from us: the other thread runs when we let go of it.
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1000)
    try:
        counter.start()
        before = ticks[0]
        play(env, np.random.default_rng(0), 200)
        during = ticks[0] - before
    finally:
        stop.set()
        sys.setswitchinterval(interval)
        counter.join()
    assert during > 0


def test_set_inventory_is_seen_and_not_rewarded() -> None:
    env = make(num_envs=1, slots=1)
    env.recv(0)
    env.set_inventory(0, 1, "heart", 7)
    assert env.inventory(0)[1, 0] == 7
    tokens = env.observations[1]
    assert [0x55, 17, 7] in tokens.tolist()
    env.send(0, np.zeros(3, dtype=np.int32))
    assert env.recv(0).rewards[1] == 0
    with pytest.raises(EnvError, match="can hold 255 of 'heart'"):
        env.set_inventory(0, 1, "heart", 256)
    with pytest.raises(ConfigError, match="'gold'"):
        env.set_inventory(0, 1, "gold", 1)
