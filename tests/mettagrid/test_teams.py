"""Teams in play: who belongs to which, what they may hold together, how they share, when they are done."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metta.common.env_spec import GLOBAL_LOCATION
from metta.common.errors import ConfigError, EnvError
from metta.common.vector_env import StepBatch
from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv

TEAMS = {"red": {"id": 3}, "blue": {"id": 7}}
LEGEND = {"r": "agent.red", "b": "agent.blue"}
MOVE = {"action.move.success": 1.0}


def drawn(rows: list[str], **fields: Any) -> MettaGridConfig:
    config = make_arena(1)
    map_ = {"type": "ascii", "rows": rows, "legend": LEGEND}
    agents = sum(row.count(char) for row in rows for char in "rb@")
    return config.replace({"game.map": map_, "game.num_agents": agents, "game.groups": TEAMS}).replace(
        {f"game.{key.replace('__', '.')}": value for key, value in fields.items()}
    )


def act(env: MettaGridEnv, *names: str) -> StepBatch:
    known = env.spec.action_names
    return env.step(np.array([known.index(name) for name in names], dtype=np.int32))


def allowed(env: MettaGridEnv, agent: int, name: str) -> bool:
    mask = env.batch.action_mask
    assert mask is not None
    return bool(mask[agent, env.spec.action_names.index(name)])


def item(name: str) -> int:
    return make_arena(1).game.resource_names.index(name)


def test_counts_deal_agents_in_turn() -> None:
    groups = {"red": {"id": 3, "count": 2}, "blue": {"id": 7, "count": 4}}
    env = MettaGridEnv(make_arena(6).replace({"game.groups": groups}))
    found = {thing["agent_id"]: thing["group"] for thing in env.grid_objects() if thing["type"] == "agent"}
    assert [found[i] for i in range(6)] == ["red", "blue", "red", "blue", "blue", "blue"]


PLAIN: dict[str, dict[str, Any]] = {
    "random": {"type": "random", "width": 6, "height": 5},
    "rooms": {"type": "rooms", "rooms": 2, "room_width": 5, "room_height": 5},
    "ascii": {"type": "ascii", "rows": ("@.@", "@.@")},
    "scene": {"type": "scene", "scene": {"type": "random", "agents": 4}},
    "pool": {"type": "pool", "grids": [["@..", ".#."], ["...", "..@"]], "agents": 3},
}
"""Every kind of map, with four agents of no group."""
NAMED: dict[str, dict[str, Any]] = {
    "ascii": {"type": "ascii", "rows": ("r.r", "r.b"), "legend": LEGEND},
    "scene": {"type": "scene", "scene": {"type": "random", "agents": {"red": 3, "blue": 1}}},
    "pool": {"type": "pool", "grids": [["r..", ".#."]], "agents": {"red": 2, "blue": 1}, "legend": LEGEND},
}


@pytest.mark.parametrize("map_", PLAIN.values(), ids=PLAIN.keys())
def test_counts_deal_agents_on_every_map(map_: dict[str, Any]) -> None:
    """Three episodes: which agents form which group is the same, wherever the map puts them."""
    groups = {"red": {"id": 3, "count": 3}, "blue": {"id": 7, "count": 1}}
    config = make_arena(1).replace({"game.groups": groups, "game.num_agents": 4, "game.map": map_, "game.max_steps": 1})
    env = MettaGridEnv(config)
    for _ in range(3):
        found = {thing["agent_id"]: thing["group"] for thing in env.grid_objects() if thing["type"] == "agent"}
        assert [found[i] for i in range(4)] == ["red", "blue", "red", "red"]
        env.step(np.zeros(4, dtype=np.int32))
        env.step(np.zeros(4, dtype=np.int32))
    with pytest.raises(ConfigError, match=r"count sum to 5 .*num_agents=4"):
        config.replace({"game.groups.blue.count": 2})


@pytest.mark.parametrize("map_", NAMED.values(), ids=NAMED.keys())
def test_counts_besides_a_map_that_names_groups_are_refused(map_: dict[str, Any]) -> None:
    """Even where the numbers agree: who is who would be said twice. The engine finds it by itself."""
    config = make_arena(1).replace({"game.groups": TEAMS, "game.num_agents": 4, "game.map": map_})
    assert MettaGridEnv(config).spec.num_agents == 4
    counts = {"red": {"id": 3, "count": 3}, "blue": {"id": 7, "count": 1}}
    with pytest.raises(ConfigError, match=r"places agents of the group .*remove the counts"):
        config.replace({"game.groups": counts})
    data = config.game.model_dump(mode="json", exclude={"map"}) | {"map": config.game.map.native()}
    for name, group in counts.items():
        data["groups"][name] |= group
    with pytest.raises(ConfigError, match=r"the map places 'agent.(red|blue)'.*remove the counts"):
        _core.GameProgram(data)


def test_groups_have_their_own_agents() -> None:
    slow = {"resource_limits": {"ore_red": 1}, "initial_inventory": {"heart": 2}}
    env = MettaGridEnv(drawn(["r.b"], groups={"red": {"id": 3}, "blue": {"id": 7, "agent": slow}}))
    assert env.inventory()[:, item("heart")].tolist() == [0, 2]
    env.set_inventory(0, "ore_red", 2)
    with pytest.raises(EnvError, match="agent 1 can hold 1 of 'ore_red', got 2"):
        env.set_inventory(1, "ore_red", 2)


def test_resources_share_a_limit() -> None:
    """An armor and an ore fill the bag; batteries go elsewhere."""
    bag = {"bag": {"limit": 2, "resources": ["ore_red", "armor"]}}
    env = MettaGridEnv(drawn(["@m"], agent__shared_limits=bag))
    env.set_inventory(0, "armor", 1)
    for _ in range(60):
        act(env, "noop")
    assert allowed(env, 0, "move_east")
    act(env, "move_east")
    ore = item("ore_red")
    assert env.inventory()[0, ore] == 1
    for _ in range(60):
        act(env, "noop")
    assert not allowed(env, 0, "move_east"), "the mine has ore, the bag no room"
    act(env, "move_east")
    assert not env.action_success[0]
    with pytest.raises(EnvError, match="can hold 1 of 'ore_red', got 2"):
        env.set_inventory(0, "ore_red", 2)
    env.set_inventory(0, "battery_red", 40)


def test_a_team_has_a_limit() -> None:
    """Both red agents stand at a mine; together they may hold one ore. Blue is not bound by that."""
    teams = {"red": {"id": 3, "limits": {"ore_red": 1}}, "blue": {"id": 7}}
    env = MettaGridEnv(drawn(["rm.mr", "...mb"], groups=teams))
    order = [thing["group"] for thing in env.grid_objects() if thing["type"] == "agent"]
    assert order == ["red", "red", "blue"]
    for _ in range(60):
        act(env, "noop", "noop", "noop")
    assert allowed(env, 0, "move_east")
    assert allowed(env, 1, "move_west")
    act(env, "move_east", "move_west", "move_west")
    assert sorted(env.action_success[:2].tolist()) == [False, True], "the first comer takes the team's room"
    assert env.action_success[2]
    other = 1 if env.action_success[0] else 0
    assert not allowed(env, other, ("move_east", "move_west")[other])
    data = bytearray(env.snapshot())
    env.restore(bytes(data))
    with pytest.raises(EnvError, match="can hold 0 of 'ore_red'"):
        env.set_inventory(other, "ore_red", 1)


def test_the_start_stays_within_the_teams_limit() -> None:
    rich = {"initial_inventory": {"heart": 3}}
    teams = {"red": {"id": 3, "agent": rich, "limits": {"heart": 5}}, "blue": {"id": 7, "agent": rich}}
    env = MettaGridEnv(drawn(["rrr", "bbb"], groups=teams))
    assert env.inventory()[:, item("heart")].tolist() == [3, 2, 0, 3, 3, 3]


def test_groups_share_rewards_before_totals_and_last_reward() -> None:
    teams = {"red": {"id": 3, "reward_share": 0.5}, "blue": {"id": 7}}
    env = MettaGridEnv(drawn(["r.", "r.", "b."], groups=teams, agent__rewards={"stats": MOVE}, max_steps=1))
    batch = act(env, "move_east", "noop", "move_east")
    assert batch.rewards.tolist() == [0.75, 0.25, 1.0]
    tokens = batch.observations[1]
    last = tokens[(tokens[:, 0] == GLOBAL_LOCATION) & (tokens[:, 1] == 10)][:, 2]
    assert last.tolist() == [128 + 25]
    (record,) = env.drain_episodes()
    assert record.rewards.tolist() == [0.75, 0.25, 1.0]
    assert np.asarray(record.group_stats["reward"]).tolist() == [1.0, 1.0]


def test_a_matrix_shares_rewards() -> None:
    matrix = [[0.5, 0.0, 0.25], [0.5, 1.0, 0.0], [0.0, -1.0, 0.75]]
    env = MettaGridEnv(
        drawn(["r.", "r.", "b."], reward_sharing=matrix, agent__rewards={"stats": MOVE, "inventory": {"heart": 1}})
    )
    assert act(env, "move_east", "noop", "move_east").rewards.tolist() == [0.75, 0.5, 0.75]
    assert act(env, "noop", "noop", "noop").rewards.tolist() == [0, 0, 0]


def test_terms_have_floors_and_pay_by_tick() -> None:
    terms = {
        "debt": {"stat": "action.noop.success", "weight": -0.5, "floor": -0.75},
        "wealth": {"resource": "heart", "weight": 0.25, "cap": 0.5, "mode": "tick"},
    }
    env = MettaGridEnv(drawn(["@"], agent__rewards={"terms": terms}))
    assert act(env, "noop").rewards[0] == -0.5
    env.set_inventory(0, "heart", 1)
    assert [act(env, "noop").rewards[0] for _ in range(2)] == [0.0, 0.25]
    env.set_inventory(0, "heart", 9)
    assert act(env, "noop").rewards[0] == 0.5


@pytest.mark.parametrize("max_steps", [0, 2])
def test_a_goal_terminates_and_does_not_truncate(max_steps: int) -> None:
    goal = {"action.move.success": 3}
    env = MettaGridEnv(drawn(["r..", "b.."], terminate_when=goal, max_steps=max_steps))
    assert not act(env, "move_east", "move_east").terminated.any()
    batch = act(env, "noop", "move_east")
    assert batch.terminated.all()
    assert not batch.truncated.any()
    (record,) = env.drain_episodes()
    assert (record.terminated, record.truncated, record.length) == (True, False, 2)
    batch = act(env, "noop", "noop")
    assert batch.first.all()
    assert not batch.terminated.any()


def test_social_metrics_follow_their_equations() -> None:
    """Agent 0 is rewarded at steps 1 and 3, agent 1 at step 2; each move pays 1. Nobody is ever frozen."""
    env = MettaGridEnv(drawn(["r..", "b.."], agent__rewards={"stats": MOVE}, max_steps=4))
    for names in (("move_east", "noop"), ("noop", "move_east"), ("move_east", "noop"), ("noop", "noop")):
        act(env, *names)
    (record,) = env.drain_episodes()
    stats = record.game_stats
    assert stats["social.efficiency"] == 3 / 4
    assert stats["social.equality"] == pytest.approx(1 - 2 * abs(2 - 1) / (2 * 2 * 3))
    assert stats["social.sustainability"] == 2.0
    assert stats["social.peace"] == 2.0


def test_social_metrics_of_losses_frozen_agents_and_nothing() -> None:
    """A debt is unequal to a gain, within 0 .. 1; a frozen step is no peace; nothing for all is equality."""
    unequal = {"blue": {"id": 7, "agent": {"rewards": {"stats": {"action.noop.success": -1.0}}}}, "red": {"id": 3}}
    env = MettaGridEnv(drawn(["r..", "b.."], agent__rewards={"stats": MOVE}, groups=unequal, max_steps=1))
    act(env, "move_east", "noop")
    (record,) = env.drain_episodes()
    assert record.rewards.tolist() == [1.0, -1.0]
    assert record.game_stats["social.equality"] == pytest.approx(1 - 2 * 2 / (2 * 2 * 2))
    assert record.game_stats["social.efficiency"] == 0.0

    env = MettaGridEnv(drawn(["r", "b"], max_steps=4, agent__freeze_duration=2, agent__rewards={}))
    env.set_inventory(0, "laser", 1)
    act(env, "move_south", "noop")
    for name in ("attack_0", "noop", "noop"):
        act(env, name, "noop")
    (record,) = env.drain_episodes()
    assert record.agent_stats["attack.hit"].tolist() == [1, 0]
    frozen = float(record.agent_stats["status.frozen.ticks"].sum())
    assert frozen > 0
    assert record.game_stats["social.peace"] == 2 - frozen / 4
    assert record.game_stats["social.equality"] == 1.0
    assert record.game_stats["social.sustainability"] == 0.0
