"""The forager in small drawn games."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metta.agent.policies.scripted.forager import ForagerPolicy
from metta.agent.policies.scripted.teachers import arena_teacher
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.map_config import AsciiMapConfig
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

HALL = """
###################
#m.......#.......n#
#........#........#
#.@......#........#
#........#........#
#.................#
#..............._.#
###################
"""


def game(drawing: str, steps: int = 200) -> MettaGridConfig:
    layout = AsciiMapConfig(rows=tuple(drawing.strip().splitlines()))
    return make_arena(drawing.count("@")).replace({"game.map": layout, "game.max_steps": steps})


def batch_of(config: MettaGridConfig, num_envs: int = 1) -> VecEnv:
    return make_vec_env(VecEnvConfig(env=config, num_envs=num_envs, num_slots=1, desync_episodes=False), seed=3)


def play(env: VecEnv, policy: ForagerPolicy, steps: int, *, masks: bool = True) -> list[list[int]]:
    """The actions of ``steps`` steps."""
    taken: list[list[int]] = []
    for _ in range(steps):
        batch = env.recv(0)
        td = {"env_obs": torch.from_numpy(batch.observations), "first": torch.from_numpy(batch.first)}
        if masks and batch.action_mask is not None:
            td["action_mask"] = torch.from_numpy(batch.action_mask)
        actions = policy.act(td)["action"]
        taken.append(actions.tolist())
        env.send(0, actions.to(torch.int32).numpy())
    env.recv(0)
    return taken


def hearts(env: VecEnv) -> float:
    (record,) = env.drain_episodes()
    return float(np.mean(record.agent_stats["heart.gained"]))


@pytest.mark.parametrize("masks", [True, False])
def test_a_chain_of_machines_out_of_each_others_sight(masks: bool) -> None:
    """One mine, generator and altar, which no window shows at once: the map is what leads back to them."""
    env = batch_of(game(HALL))
    policy = arena_teacher(env.spec)
    policy.init_memory(1)
    play(env, policy, 201, masks=masks)
    assert hearts(env) >= 3  # a mine gives an ore every 51 steps


def test_agents_that_meet_in_a_corridor_do_not_stop_for_ever() -> None:
    env = batch_of(game("#########\n#m@...@n#\n####.####\n####_####\n#########", steps=400))
    policy = arena_teacher(env.spec)
    policy.init_memory(2)
    play(env, policy, 401)
    assert hearts(env) >= 1


def test_memory_is_all_that_a_step_depends_on() -> None:
    """From a snapshot of memory and worlds the same actions follow; rows may be given by index."""
    env = batch_of(make_arena(6), num_envs=2)
    policy = arena_teacher(env.spec)
    policy.init_memory(12)
    play(env, policy, 30)
    worlds, memory = env.snapshot(), policy.memory_state()
    once = play(env, policy, 30)
    env.restore(worlds)
    other = arena_teacher(env.spec)
    other.init_memory(12)
    other.load_memory_state(memory)
    assert play(env, other, 30) == once
    batch = env.recv(0)
    rows = torch.arange(11, -1, -1)
    whole = {"env_obs": torch.from_numpy(batch.observations.copy()), "first": torch.from_numpy(batch.first.copy())}
    flipped = {key: tensor[rows] for key, tensor in whole.items()} | {"rows": rows}
    other.load_memory_state(policy.memory_state())
    assert other.act(flipped)["action"].flip(0).tolist() == policy.act(whole)["action"].tolist()
    assert all(torch.equal(policy.memory_state()[key], value) for key, value in other.memory_state().items())


def test_first_rows_start_from_nothing() -> None:
    env = batch_of(game(HALL))
    policy, fresh = arena_teacher(env.spec), arena_teacher(env.spec)
    for one in (policy, fresh):
        one.init_memory(1)
    play(env, policy, 20)
    policy.act({"env_obs": torch.from_numpy(env.recv(0).observations), "first": torch.tensor([True])})
    fresh.act({"env_obs": torch.from_numpy(env.recv(0).observations), "first": torch.tensor([False])})
    assert all(torch.equal(fresh.memory_state()[key], value) for key, value in policy.memory_state().items())
    policy.reset_memory()
    assert not any(value.any() for value in policy.memory_state().values())


def test_games_that_it_cannot_play_are_refused_with_all_reasons(token_spec: EnvSpec, box_spec: EnvSpec) -> None:
    with pytest.raises(ConfigError) as tiny:
        arena_teacher(token_spec)
    for reason in ("'move_north' is missing", "'cooldown_remaining' is missing", "'inv:heart' is missing", "type 8"):
        assert reason in str(tiny.value)
    with pytest.raises(ConfigError, match="observations are a box"):
        arena_teacher(box_spec)
    classic = batch_of(make_arena(1).replace({"game.profile": "classic"})).spec
    with pytest.raises(ConfigError, match=r"mock://arena_teacher cannot play 'arena'.*\n.*'get_items'"):
        arena_teacher(classic)
