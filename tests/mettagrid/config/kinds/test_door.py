"""Doors: keys, passage, and what a cell shows while somebody stands in one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metta.common.errors import ConfigError, EnvError
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.kinds.door import DoorConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.spec import OPEN, env_spec


def corridor(door: DoorConfig, row: str = "@D..", keys: int = 1) -> MettaGridConfig:
    game: dict[str, Any] = {
        "resource_names": ("key",),
        "num_agents": row.count("@"),
        "max_steps": 0,
        "actions": {"move": {"uses_objects": True}},
        "agent": {"initial_inventory": {"key": keys}},
        "objects": {"wall": {"type": "wall", "type_id": 1}, "door": door},
        "map": {"type": "ascii", "rows": (row,)},
    }
    return MettaGridConfig(game=GameConfig.model_validate(game))


def act(env: MettaGridEnv, *names: str) -> list[bool]:
    env.step(np.array([env.spec.action_names.index(name) for name in names], dtype=np.int32))
    return env.action_success.tolist()


def test_without_the_key_it_stays_shut() -> None:
    env = MettaGridEnv(corridor(DoorConfig(key_resources={"key": 2})), 0)
    batch = env.reset()
    assert batch.action_mask is not None
    assert not batch.action_mask[0, env.spec.action_names.index("move_east")]
    assert act(env, "move_east") == [False]
    env.close()


@pytest.mark.parametrize("consumes", [True, False])
def test_the_key_is_used_up_or_not(consumes: bool) -> None:
    env = MettaGridEnv(corridor(DoorConfig(key_resources={"key": 1}, consumes_key=consumes)), 0)
    env.reset()
    assert act(env, "move_east") == [True]
    agent, door = env.grid_objects()
    assert (agent["inventory"], door["open"]) == ({} if consumes else {"key": 1}, True)
    env.close()


def test_the_tokens_show_an_open_door_and_then_the_agent_in_it() -> None:
    env = MettaGridEnv(corridor(DoorConfig(open_ticks=9), "@D@"), 0)
    env.reset()
    act(env, "move_east", "noop")
    tokens = env.step(np.zeros(2, dtype=np.int32)).observations[0].tolist()
    assert [0x56, 0, 21] in tokens
    assert [0x56, OPEN, 1] in tokens
    assert [0x56, 14, 8] in tokens, "steps of passage left"
    act(env, "move_east", "noop")
    assert [item["type"] for item in env.grid_objects()] == ["agent", "agent"], "one thing a cell"
    assert act(env, "noop", "move_west") == [True, False], "somebody stands in it"
    env.close()


def test_a_snapshot_of_an_occupied_door_comes_back() -> None:
    env = MettaGridEnv(corridor(DoorConfig()), 0)
    env.reset()
    act(env, "move_east")
    act(env, "move_east")
    snapshot, text = env.snapshot(), env.grid_objects()
    act(env, "move_east")
    assert [item["type"] for item in env.grid_objects()] == ["agent", "door"]
    env.restore(snapshot)
    assert env.grid_objects() == text
    env.close()


def test_a_damaged_floor_is_refused() -> None:
    """A snapshot whose door is gone from its cell contradicts itself."""
    env = MettaGridEnv(corridor(DoorConfig()), 0)
    env.reset()
    good = env.snapshot()
    refused: list[str] = []
    for place in range(64, len(good)):
        damaged = bytearray(good)
        damaged[place] ^= 0x40
        try:
            env.restore(bytes(damaged))
            act(env, "move_east")
        except EnvError as error:
            refused.append(str(error))
    assert len(refused) > 50
    assert all("snapshot" in message for message in refused)
    env.close()


def test_an_impossible_key_is_refused() -> None:
    with pytest.raises(ConfigError, match="key_resources"):
        DoorConfig(key_resources={"key": 0})
    with pytest.raises(ConfigError, match=r"game\.objects\.door\.key_resources.*'kee'"):
        corridor(DoorConfig()).replace({"game.objects.door.key_resources": {"kee": 1}})


def test_the_feature_is_listed_only_where_there_are_doors() -> None:
    assert OPEN in [feature.id for feature in env_spec(corridor(DoorConfig())).features]
    assert OPEN not in [feature.id for feature in env_spec(MettaGridConfig()).features]
