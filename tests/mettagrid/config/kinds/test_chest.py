"""Chests: sides, limits, glyphs, and that nothing is lost."""

from __future__ import annotations

from typing import Any, cast

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.config.kinds.chest import ALL_POSITIONS, ChestConfig, Position
from tests.mettagrid.config.kinds.playing import act, held, thing_of, world

ROWS = ("@@@", "@X@", "@@@")
TOWARDS = {
    "NW": "southeast",
    "N": "south",
    "NE": "southwest",
    "W": "east",
    "E": "west",
    "SW": "northeast",
    "S": "north",
    "SE": "northwest",
}


@pytest.mark.parametrize("side", ALL_POSITIONS)
@pytest.mark.parametrize("gives", [True, False])
def test_only_the_named_side_works(side: Position, gives: bool) -> None:
    sides: dict[str, Any] = {"deposit_positions": (side,), "withdrawal_positions": ()}
    if not gives:
        sides = {"deposit_positions": (), "withdrawal_positions": (side,)}
    chest = ChestConfig(resource="heart", initial=100, amount=3, **sides)
    env = world(chest, ROWS, ("heart",), agent={"initial_inventory": {"heart": 5}})
    success = act(env, *(f"move_{TOWARDS[position]}" for position in ALL_POSITIONS))
    assert success == [position == side for position in ALL_POSITIONS]
    assert thing_of(env)["inventory"] == {"heart": 103 if gives else 97}
    env.close()


def test_a_chest_gives_only_what_it_held_when_the_step_began() -> None:
    """All eight act at once: the one on the left brings the first heart, which nobody gets before the next step."""
    chest = ChestConfig(resource="heart", deposit_positions=("W",))
    env = world(
        chest,
        ("bX@",),
        ("heart",),
        groups={"agent": {"id": 0}, "rich": {"id": 1, "agent": {"initial_inventory": {"heart": 1}}}},
        map={"type": "ascii", "rows": ("bX@",), "legend": {"X": "thing", "b": "agent.rich"}},
        num_agents=2,
    )
    assert act(env, "move_east", "move_west") == [True, False]
    assert act(env, "noop", "move_west") == [True, True]
    assert held(env) == [{}, {"heart": 1}]
    env.close()


def test_what_does_not_fit_stays() -> None:
    chest = ChestConfig(
        resource="heart", amount=10, limit=12, initial=5, deposit_positions=("W",), withdrawal_positions=("E",)
    )
    agent = {"initial_inventory": {"heart": 20}, "resource_limits": {"heart": 22}}
    env = world(chest, ("@X@",), ("heart",), agent=agent)
    assert act(env, "move_east", "noop") == [True, True]
    assert (held(env)[0]["heart"], thing_of(env)["inventory"]["heart"]) == (13, 12)
    assert act(env, "move_east", "move_west") == [False, True]
    assert (held(env)[1]["heart"], thing_of(env)["inventory"]["heart"]) == (22, 10)
    env.close()


def test_put_and_get_go_one_way_each() -> None:
    chest = ChestConfig(resource="heart", initial=1)
    actions = {"move": {"uses_objects": False}, "put_items": {"enabled": True}, "get_items": {"enabled": True}}
    env = world(chest, ("@", "X"), ("heart",), actions=actions | {"rotate": {"enabled": True}})
    act(env, "rotate_south")
    assert act(env, "put_items") == [False], "it holds nothing"
    assert act(env, "get_items") == [True]
    assert act(env, "get_items") == [False]
    assert act(env, "put_items") == [True]
    assert thing_of(env)["inventory"] == {"heart": 1}
    env.close()


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"initial": 256}, "initial=256 exceeds limit=255"),
        ({"deposit_positions": ("X",)}, "deposit_positions"),
        ({"glyph_transfers": ({"glyph": 1, "amounts": {"heart": 0}},)}, r"amounts\.heart=0"),
        ({"glyph_transfers": ({"glyph": 0, "amounts": {"heart": 1}},)}, "greater than or equal to 1"),
    ],
)
def test_impossible_chests_are_refused(values: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        ChestConfig.model_validate({"resource": "heart"} | values)


def test_statistics_count_units() -> None:
    chest = ChestConfig(resource="heart", amount=3, deposit_positions=("W",))
    env = world(chest, ("@X@",), ("heart",), agent={"initial_inventory": {"heart": 2}}, max_steps=2)
    act(env, "move_east", "noop")
    act(env, "noop", "move_west")
    (record,) = env.drain_episodes()
    stats = cast(dict[str, Any], record.agent_stats)
    assert stats["object.thing.deposited"].tolist() == [2, 0]
    assert stats["object.thing.withdrawn"].tolist() == [0, 2]
    assert stats["object.thing.used"].tolist() == [1, 1]
    env.close()
