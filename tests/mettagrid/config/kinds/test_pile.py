"""Piles: who dies leaves things behind, who comes takes what there is room for, what is empty vanishes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from tests.mettagrid.config.kinds.playing import act, held

LIMITS = {"hp": 1, "gold": 4, "gem": 9, "soul": 1}


def field(rows: tuple[str, ...], *, pile: dict[str, Any] | None = None, **changes: Any) -> MettaGridEnv:
    """Agents with 3 gold, a gem and a soul, on a drawn map. Whoever is left without hit points dies."""
    agent = {"initial_inventory": {"hp": 1, "gold": 3, "gem": 1, "soul": 1}, "resource_limits": LIMITS}
    game: dict[str, Any] = {
        "resource_names": tuple(LIMITS),
        "num_agents": sum(row.count("@") for row in rows),
        "max_steps": 0,
        "agent": {**agent, "soul_bound_resources": ["soul"]},
        "actions": {"move": {"uses_objects": True}, "get_items": {"enabled": True}},
        "objects": {
            "wall": {"type": "wall", "type_id": 1},
            "door": {"type": "door", "starts_open": True},
            "pile": {"type": "pile", **(pile or {})},
        },
        "systems": {"health": {"on_death": "drop", "respawn_ticks": 4}},
        "map": {"type": "ascii", "rows": rows},
    }
    return MettaGridEnv(MettaGridConfig(game=GameConfig.model_validate(game | changes)), seed=0)


def kill(env: MettaGridEnv, *agents: int) -> None:
    for agent in agents:
        env.set_inventory(agent, "hp", 0)
    env.step(np.zeros(env.spec.num_agents, dtype=np.int32))


def piles(env: MettaGridEnv) -> dict[tuple[int, int], dict[str, int]]:
    return {(item["r"], item["c"]): item["inventory"] for item in env.grid_objects() if item["type"] == "pile"}


def test_others_take_what_there_is_room_for() -> None:
    env = field(("@@@",), systems={"health": {"on_death": "drop", "respawn_ticks": 3}})
    kill(env, 1)
    assert env.render() == "0%2"
    assert piles(env) == {(0, 1): {"gold": 3, "gem": 1}}, "the soul stays with its agent"
    assert act(env, "move_east", "noop", "noop") == [True, False, True]
    assert piles(env) == {(0, 1): {"gold": 2}}, "room for one gold only"
    assert held(env)[0] == {"hp": 1, "gold": 4, "gem": 2, "soul": 1}
    assert act(env, "move_east", "noop", "noop")[0] is False, "nothing more fits"
    env.set_inventory(2, "gold", 0)
    assert act(env, "noop", "noop", "move_west") == [True, False, True]
    assert env.render() == "012", "empty, so it vanished before the agent came back to its place in the same step"


def test_an_empty_pile_is_in_the_way_until_the_step_ends() -> None:
    """Both come for the last unit: one gets it, and the other does not slip through."""
    env = field(("@@@",), systems={"health": {"on_death": "drop", "respawn_ticks": None}})
    for agent in (0, 2):
        env.set_inventory(agent, "gold", 0)
    kill(env, 1)
    success = act(env, "move_east", "noop", "move_west")
    assert sorted((success[0], success[2])) == [False, True]
    assert env.render() == "0.2"
    assert act(env, "move_east", "noop", "noop")[0]


def test_a_pile_lies_on_the_nearest_free_cell() -> None:
    """The dying agent stands in an open door, which nothing can be laid on."""
    env = field(("#####", "@D.##", "#####"))
    act(env, "move_east")
    env.set_inventory(0, "hp", 0)
    act(env, "noop")
    assert set(piles(env)) == {(1, 0)}, "west and east are as near; the first in reading order"


@pytest.mark.parametrize("capacity", [1, None])
def test_what_finds_no_pile_is_lost_and_counted(capacity: int | None) -> None:
    health = {"on_death": "drop", "respawn_ticks": None}
    env = field(("@@", "@."), pile={"capacity": capacity}, systems={"health": health}, max_steps=2)
    kill(env, 1, 2)
    assert len(piles(env)) == (capacity or 2)
    act(env, "move_east", "noop", "noop")
    (record,) = env.drain_episodes()
    stats = {name.removeprefix("object.pile."): values.tolist() for name, values in record.agent_stats.items()}
    assert stats["dropped"] == ([0, 4, 0] if capacity else [0, 4, 4])
    assert stats["lost"] == ([0, 0, 4] if capacity else [0, 0, 0])
    assert stats["used"] == [1, 0, 0]
    assert record.agent_stats["gold.lost"].tolist() == [0, 3, 3]


def test_whoever_has_nothing_leaves_nothing() -> None:
    env = field(("@.@",))
    for resource in ("gold", "gem"):
        env.set_inventory(1, resource, 0)
    kill(env, 1)
    assert env.render() == "0.."


def test_get_items_takes_from_the_pile_ahead() -> None:
    env = field(("@", "@"), actions={"move": {"uses_objects": False}, "get_items": {"enabled": True}})
    kill(env, 0)
    act(env, "noop", "move_north")
    assert act(env, "noop", "get_items") == [False, True]
    assert held(env)[0]["gem"] == 2


def test_a_pile_at_home_sends_its_agent_elsewhere() -> None:
    env = field(("@.",))
    kill(env, 0)
    for _ in range(4):
        act(env, "noop")
    assert env.render() == "%0"
    assert act(env, "move_west") == [True]
    assert held(env)[0] == {"hp": 1, "gold": 3, "gem": 1, "soul": 1}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"game.systems.health": {"resource": "heart", "on_death": "drop"}},
            r"(health\.pile names the .*'pile'|pile='pile')",
        ),
        ({"game.objects.pile": {"type": "pile", "capacity": 0}}, "capacity"),
        (
            {"game.objects.pile": {"type": "pile"}, "game.map": {"type": "ascii", "rows": ("@@%",)}},
            r"(places 'pile', a pile.*Remove it from the map|'pile', which comes into being during an episode only)",
        ),
    ],
)
def test_impossible_piles_are_refused(changes: dict[str, Any], message: str) -> None:
    config = make_arena(2).replace({"game.agent.initial_inventory": {"heart": 1}})
    with pytest.raises(ConfigError, match=message):
        config.replace(changes)
    game = config.game.model_dump(mode="json")
    for path, value in changes.items():
        *parents, leaf = path.split(".")[1:]
        node = game
        for name in parents:
            node = node[name]
        node[leaf] = value
    if "game.map" in changes:
        game["map"]["legend"] = {"@": "agent", "%": "pile"}
    with pytest.raises(ConfigError, match=message):
        _core.GameProgram(game)
