"""The batch of one."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.errors import EnvError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.maps.map_config import AsciiMapConfig


def drawn() -> MettaGridConfig:
    return make_arena(2).replace({"game.map": AsciiMapConfig(rows=("#####", "#@m@#", "#..n#", "#####"))})


def act(env: MettaGridEnv, *names: str) -> None:
    env.step(np.array([env.spec.action_names.index(name) for name in names], dtype=np.int32))


def test_a_drawn_map_is_shown_as_it_was_drawn() -> None:
    env = MettaGridEnv(drawn())
    assert env.render() == "#####\n#0m1#\n#..n#\n#####"
    assert env.map_size == (4, 5)
    act(env, "move_south", "noop")
    assert env.render() == "#####\n#.m1#\n#0.n#\n#####"
    assert env.action_success.tolist() == [True, True]
    assert env.step_count == 1


def test_grid_objects_tell_everything() -> None:
    env = MettaGridEnv(drawn())
    objects = env.grid_objects()
    agents, mine, generator = objects[:2], objects[2], objects[3]
    assert [(agent["agent_id"], agent["r"], agent["c"]) for agent in agents] == [(0, 1, 1), (1, 1, 3)]
    assert (mine["type"], mine["type_id"], mine["phase"]) == ("mine_red", 2, "idle")
    assert mine["output_resources"] == {"ore_red": 1}
    assert generator["input_resources"] == {"ore_red": 1}
    assert [thing["id"] for thing in objects] == list(range(len(objects)))
    assert sum(thing["type"] == "wall" for thing in objects) == 14
    act(env, "noop", "noop")
    assert env.grid_objects()[2]["conversion_remaining"] == 1
    act(env, "noop", "noop")
    assert env.grid_objects()[2]["cooldown_remaining"] == 50
    act(env, "move_east", "noop")
    agent = env.grid_objects()[0]
    assert agent["inventory"] == {"ore_red": 1}
    assert agent["orientation"] == 3
    assert agent["reward"] == pytest.approx(0.1)
    assert env.inventory().tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 0, 0]]


def test_restore_goes_back() -> None:
    env = MettaGridEnv(make_arena(4), seed=3)
    rng = np.random.default_rng(0)
    for _ in range(10):
        env.step(rng.integers(0, 14, 4, dtype=np.int32))
    state, state_hash = env.snapshot(), env.state_hash()
    observations, rewards = env.batch.observations.copy(), env.batch.rewards.copy()
    actions = rng.integers(0, 14, (10, 4), dtype=np.int32)
    first = [env.step(row).observations.copy() for row in actions]
    assert env.state_hash() != state_hash
    env.restore(state)
    assert env.state_hash() == state_hash
    np.testing.assert_array_equal(env.batch.observations, observations)
    np.testing.assert_array_equal(env.batch.rewards, rewards)
    second = [env.step(row).observations.copy() for row in actions]
    np.testing.assert_array_equal(first, second)


def test_reset_repeats_and_seeds_differ() -> None:
    env = MettaGridEnv(make_arena(4), seed=3)
    start = env.state_hash()
    env.step(np.zeros(4, dtype=np.int32))
    assert env.reset().first.all()
    assert env.state_hash() == start
    env.reset(4)
    assert env.state_hash() != start
    assert env.episode == 0


def test_episodes_are_recorded_whole() -> None:
    env = MettaGridEnv(make_arena(1).replace({"game.max_steps": 3}))
    for _ in range(4):
        env.step(np.zeros(1, dtype=np.int32))
    (record,) = env.drain_episodes()
    assert (record.length, record.partial) == (3, False)
    assert env.episode == 1
    assert env.batch.first.all()


def test_closed() -> None:
    env = MettaGridEnv(make_arena(1))
    env.close()
    with pytest.raises(EnvError, match="was closed"):
        env.step(np.zeros(1, dtype=np.int32))


def test_a_saved_state_comes_back_with_its_batch() -> None:
    env = MettaGridEnv(drawn(), seed=3)
    act(env, "move_south", "noop")
    saved, observations = env.save(), env.batch.observations.copy()
    act(env, "move_east", "move_south")
    assert env.render() != "#####\n#.m1#\n#0.n#\n#####"
    env.load(saved)
    assert env.render() == "#####\n#.m1#\n#0.n#\n#####"
    assert (env.batch.observations == observations).all()
