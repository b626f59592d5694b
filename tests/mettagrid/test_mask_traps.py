"""Cases in which an action could succeed although its mask had ruled it out: all must fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

FULL_OF_ORE: dict[str, Any] = {
    "game.agent.resource_limits": {"ore_red": 2},
    "game.agent.initial_inventory": {"ore_red": 2, "laser": 1},
    "game.objects.mine_red.initial_resource_count": 5,
    "game.map": {"type": "ascii", "rows": ("@@m",)},
}
TRAPS: dict[str, dict[str, Any]] = {
    "paying for its defense makes room": FULL_OF_ORE | {"game.actions.attack.defense_resources": {"ore_red": 1}},
    "being looted without being frozen makes room": FULL_OF_ORE | {"game.agent.freeze_duration": 0},
}


@pytest.mark.parametrize("changes", TRAPS.values(), ids=TRAPS.keys())
def test_room_made_by_an_attack_is_filled_from_the_next_step_on(changes: dict[str, Any]) -> None:
    """Agent 0 attacks agent 1, which was full and then uses a mine."""
    game = make_arena(2).replace(changes | {"game.num_agents": 2})
    env = make_vec_env(VecEnvConfig(env=game, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False), 0)
    names = env.spec.action_names

    def step(*actions: str) -> None:
        env.recv(0)
        env.send(0, np.array([names.index(action) for action in actions], dtype=np.int32))
        env.recv(0)

    step("move_east", "noop")  # blocked, but agent 0 faces agent 1 now
    env.set_inventory(0, 0, "ore_red", 0)  # room for loot
    mask = env.recv(0).action_mask
    assert mask is not None
    assert mask[0, names.index("attack_0")]
    assert not mask[1, names.index("move_east")]
    step("attack_0", "move_east")
    assert env.action_success.tolist() == [True, False]
    assert env.inventory(0)[1, 1] < 2
    env.close()


def test_a_hit_never_frees_a_frozen_agent() -> None:
    """Upkeep froze agent 1; a hit that freezes for no time must not let it move in the same step."""
    game = {
        "resource_names": ("energy",),
        "num_agents": 2,
        "agent": {"freeze_duration": 0, "default_resource_limit": 9},
        "actions": {"attack": {"enabled": True}},
        "systems": {"upkeep": {"resources": {"energy": 1}, "on_shortage": "freeze"}},
        "groups": {"red": {"id": 0, "agent": {"initial_inventory": {"energy": 9}}}, "blue": {"id": 1}},
        "map": {"type": "ascii", "rows": (".b.", ".@."), "legend": {"b": "agent.blue"}},
    }
    config = MettaGridConfig.model_validate({"game": game})
    env = make_vec_env(VecEnvConfig(env=config, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False), 0)
    names = env.spec.action_names
    blue = next(int(item["agent_id"]) for item in env.grid_objects(0) if item.get("group") == "blue")
    actions = np.zeros(2, dtype=np.int32)
    env.recv(0)
    env.send(0, actions)
    mask = env.recv(0).action_mask
    assert mask is not None
    assert mask[blue].tolist() == [name == "noop" for name in names]
    actions[blue], actions[1 - blue] = names.index("move_east"), names.index("attack_0")
    env.send(0, actions)
    env.recv(0)
    assert env.action_success[1 - blue]
    assert not env.action_success[blue]
    env.close()


def test_a_swap_from_within_a_door_leaves_no_block_in_it() -> None:
    game = {
        "num_agents": 1,
        "actions": {"swap": {"enabled": True}, "rotate": {"enabled": True}},
        "objects": {"door": {"type": "door", "starts_open": True}, "block": {"type": "block"}},
        "map": {"type": "ascii", "rows": ("@D=",), "legend": {"D": "door", "=": "block"}},
    }
    config = MettaGridConfig.model_validate({"game": game})
    env = make_vec_env(VecEnvConfig(env=config, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False), 0)
    env.recv(0)
    mask = None
    for name, succeeds in (("move_east", True), ("move_east", False), ("swap", False)):
        env.send(0, np.array([env.spec.action_names.index(name)], dtype=np.int32))
        mask = env.recv(0).action_mask
        assert bool(env.action_success[0]) == succeeds, name
    assert mask is not None
    assert not mask[0, env.spec.action_names.index("swap")]
    assert [item["c"] for item in env.grid_objects(0) if item["type"] == "block"] == [2]
    env.close()
