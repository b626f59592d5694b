"""Assemblers: who counts, who pays, who gets, and when it works again."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.config.kinds.assembler import AssemblerConfig
from metta.mettagrid.config.kinds.chest import ALL_POSITIONS
from metta.mettagrid.env import MettaGridEnv
from tests.mettagrid.config.kinds.playing import act, held, thing_of, world
from tests.mettagrid.config.kinds.test_chest import ROWS, TOWARDS

RESOURCES = ("ore", "heart")


def assembler(*recipes: dict[str, Any], **fields: Any) -> AssemblerConfig:
    return AssemblerConfig.model_validate({"recipes": recipes} | fields)


def around(taken: tuple[bool, ...], thing: AssemblerConfig, **game: Any) -> MettaGridEnv:
    """Agents on the chosen cells around the assembler, which stands in the corner of the map where it can."""
    cells = [list(row) for row in (".....", ".....", "..X..", ".....", ".....")]
    places = [(1, 1), (1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2), (3, 3)]
    for (row, column), present in zip(places, taken, strict=True):
        cells[row][column] = "@" if present else "."
    return world(thing, tuple("".join(row) for row in cells), RESOURCES, **game)


def fits(positions: tuple[str, ...], taken: tuple[bool, ...]) -> bool:
    fixed = [name for name in positions if name != "Any"]
    here = [name for name, present in zip(ALL_POSITIONS, taken, strict=True) if present]
    return set(fixed) <= set(here) and len(here) == len(positions)


@pytest.mark.parametrize("positions", [("N",), ("Any",), ("NW", "SE"), ("W", "Any", "Any"), ("Any",) * 8])
def test_every_pattern_of_neighbours(positions: tuple[str, ...]) -> None:
    """All 255 patterns: on exactly where the named cells are taken and the number is right."""
    thing = assembler({"positions": positions, "output_resources": {"heart": 1}})
    patterns = [taken for taken in product([False, True], repeat=8) if any(taken)]
    for taken in patterns[:: 1 if len(positions) < 3 else 3]:
        env = around(taken, thing)
        assert thing_of(env)["current_recipe"] == (0 if fits(positions, taken) else -1), (positions, taken)
        env.close()


@pytest.mark.parametrize("rows", [("X@",), ("@X",), ("@", "X"), ("X", "@")])
def test_cells_off_the_map_are_empty(rows: tuple[str, ...]) -> None:
    env = world(assembler({"positions": ("Any",), "output_resources": {"heart": 1}}), rows, RESOURCES)
    assert thing_of(env)["current_recipe"] == 0
    env.close()


def test_the_cost_is_spread_evenly_as_far_as_each_can_pay() -> None:
    """Eight agents hold 5 each; 19 are asked: the user and those first in reading order pay one more."""
    recipe = {"positions": ("Any",) * 8, "input_resources": {"ore": 19}, "output_resources": {"heart": 1}}
    env = world(assembler(recipe), ROWS, RESOURCES, agent={"initial_inventory": {"ore": 5}})
    actions = ["noop"] * 8
    actions[4] = f"move_{TOWARDS['E']}"
    assert all(act(env, *actions))
    paid = [5 - inventory.get("ore", 0) for inventory in held(env)]
    assert paid == [3, 3, 2, 2, 3, 2, 2, 2]
    assert held(env)[4]["heart"] == 1
    env.close()


def test_sums_beyond_a_byte_and_in_order() -> None:
    recipe = {"positions": ("Any",) * 8, "input_resources": {"ore": 65_535}, "output_resources": {"heart": 1}}
    rich = {"initial_inventory": {"ore": 60_000}, "default_resource_limit": 65_535}
    env = world(assembler(recipe, inputs_from="in_order"), ROWS, RESOURCES, agent=rich)
    actions = ["noop"] * 8
    actions[4] = f"move_{TOWARDS['E']}"
    assert all(act(env, *actions))
    assert [inventory.get("ore", 0) for inventory in held(env)] == [54_465, *[60_000] * 3, 0, *[60_000] * 3]
    env.close()


def test_shared_outputs_go_to_those_who_have_room() -> None:
    recipe = {"positions": ("Any",) * 8, "output_resources": {"heart": 20}}
    limits = {"resource_limits": {"heart": 2}}
    env = world(assembler(recipe, outputs_to="shared"), ROWS, RESOURCES, agent=limits)
    actions = ["noop"] * 8
    actions[1] = f"move_{TOWARDS['N']}"
    assert all(act(env, *actions))
    assert [inventory["heart"] for inventory in held(env)] == [2] * 8, "the four that nobody can hold are not made"
    assert act(env, *actions)[1] is False, "nobody can hold any"
    env.close()


def test_who_comes_in_a_step_does_not_count_in_it() -> None:
    """The right one steps up while the left one pushes: the mask had said no, and no it is."""
    recipe = {"positions": ("Any", "Any"), "output_resources": {"heart": 1}}
    env = world(assembler(recipe), ("@X.@",), RESOURCES)
    assert act(env, "move_east", "move_west") == [False, True]
    assert thing_of(env)["current_recipe"] == 0
    assert act(env, "move_east", "noop") == [True, True]
    env.close()


def test_who_leaves_in_a_step_still_pays() -> None:
    recipe = {"positions": ("Any", "Any"), "input_resources": {"ore": 2}, "output_resources": {"heart": 1}}
    env = world(assembler(recipe), ("@X@.",), RESOURCES, agent={"initial_inventory": {"ore": 1}})
    assert act(env, "move_east", "move_east") == [True, True]
    assert held(env) == [{"heart": 1}, {}]
    env.close()


@pytest.mark.parametrize(
    ("glyphs", "expected"), [((0, 0), 2), ((1, 0), 0), ((1, 2), 1), ((2, 1), 1), ((2, 2), 2), ((2, 0), 2)]
)
def test_recipes_by_glyphs(glyphs: tuple[int, int], expected: int) -> None:
    """Recipe 0 for a lone 1, recipe 1 for {1, 2}, recipe 2 when nothing else fits."""
    out = {"output_resources": {"heart": 1}}
    thing = assembler({"glyphs": (1,)} | out, {"glyphs": (2, 1), "min_agents": 2} | out, out, match="glyphs")
    actions = {"move": {"uses_objects": True}, "change_glyph": {"enabled": True, "number_of_glyphs": 3}}
    env = world(thing, ("@X@",), RESOURCES, actions=actions)
    assert all(act(env, *(f"change_glyph_{glyph}" for glyph in glyphs)))
    assert thing_of(env)["current_recipe"] == expected
    env.close()


def test_more_agents_choose_the_greater_recipe() -> None:
    out = {"output_resources": {"heart": 1}}
    thing = assembler(out, {"min_agents": 3} | out, {"min_agents": 2} | out, match="glyphs")
    for count, expected in ((1, 0), (2, 2), (3, 1), (8, 1)):
        env = around(tuple(i < count for i in range(8)), thing)
        assert thing_of(env)["current_recipe"] == expected
        env.close()


def test_the_user_keeps_back_what_the_action_costs() -> None:
    recipe = {"positions": ("W",), "input_resources": {"ore": 1}, "output_resources": {"heart": 1}}
    actions = {"move": {"uses_objects": True, "consumed_resources": {"ore": 1}}}
    env = world(assembler(recipe), ("@X",), RESOURCES, actions=actions, agent={"initial_inventory": {"ore": 3}})
    assert act(env, "move_east") == [True]
    assert held(env) == [{"ore": 1, "heart": 1}]
    assert act(env, "move_east") == [False]
    env.close()


@pytest.mark.parametrize(
    ("recipe", "fields", "fault"),
    [
        ({}, {}, r"recipes\[0\]\.positions is empty"),
        ({"positions": ("N", "N")}, {}, "names a cell twice"),
        ({"positions": ("N",), "glyphs": (1,)}, {}, "match='glyphs'"),
        ({"positions": ("N",)}, {"match": "glyphs"}, "match='positions'"),
        ({"glyphs": (0,)}, {"match": "glyphs"}, r"glyphs has \[0\]"),
        ({"positions": ("N",)}, {"exhaustion": 0.0001}, "hardly any"),
        ({"positions": ("N",), "input_resources": {"ore": 0}}, {}, r"input_resources\.ore=0"),
    ],
)
def test_impossible_assemblers_are_refused(recipe: dict[str, Any], fields: dict[str, Any], fault: str) -> None:
    with pytest.raises(ConfigError, match=fault):
        assembler(recipe, **fields)
