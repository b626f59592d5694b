"""The whole map as numbers."""

from __future__ import annotations

import numpy as np

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.maps.map_config import AsciiMapConfig
from metta.mettagrid.wrappers.global_state import GlobalState


def test_every_thing_stands_in_its_cell() -> None:
    cfg = make_arena(2).replace({"game.map": AsciiMapConfig(rows=("#####", "#@m.#", "#..@#", "#####"))})
    env = MettaGridEnv(cfg)
    state_of = GlobalState(cfg.game, 4, 5)
    assert state_of.channels[:3] == ("occupied", "type_id", "agent")
    channel = state_of.channels.index
    for action in ("noop", "noop", "move_east"):
        env.step(np.array([env.spec.action_names.index(action), 0], dtype=np.int32))
    env.set_inventory(1, "heart", 255)
    state = state_of.encode(env.grid_objects())
    assert state.dtype == np.uint8
    assert state.shape == (4, 5, 7 + 5)
    assert state[..., 0].tolist() == [[1, 1, 1, 1, 1], [1, 1, 1, 0, 1], [1, 0, 0, 1, 1], [1, 1, 1, 1, 1]]
    first, mine, second = state[1, 1], state[1, 2], state[2, 3]
    assert (first[channel("agent")], first[channel("inv:ore_red")], first[channel("orientation")]) == (1, 1, 4)
    assert (second[channel("agent")], second[channel("inv:heart")], second[channel("group")]) == (2, 255, 1)
    assert (mine[channel("type_id")], mine[channel("agent")]) == (2, 0)
    assert 0 < mine[channel("busy")] <= 50


def test_large_numbers_are_cut() -> None:
    cfg = make_arena(1)
    agent = {
        "type": "agent",
        "type_id": 0,
        "r": 0,
        "c": 0,
        "agent_id": 300,
        "group_id": 0,
        "orientation": 0,
        "frozen": 999,
        "inventory": {"heart": 70_000},
    }
    state = GlobalState(cfg.game, 1, 1).encode([agent])
    assert state[0, 0].tolist() == [1, 0, 255, 1, 1, 255, 0, 255, 0, 0, 0, 0]
