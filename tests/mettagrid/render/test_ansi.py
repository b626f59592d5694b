"""What a terminal shows of a world."""

from __future__ import annotations

import re
from typing import Any

import pytest

from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.legend import AGENT, CHARACTERS, EMPTY
from metta.mettagrid.render.ansi import View, ascii_map, draw, legend, view_around
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
WORLD: list[dict[str, Any]] = [
    *({"type": "wall", "r": 0, "c": c} for c in range(5)),
    {"type": "agent", "r": 1, "c": 1, "agent_id": 0, "orientation": 3, "frozen": 0, "group_id": 0},
    {"type": "agent", "r": 1, "c": 2, "agent_id": 11, "orientation": 0, "frozen": 2, "group_id": 1},
    {"type": "altar", "r": 2, "c": 0, "inventory": {"heart": 0}, "conversion_remaining": 1, "cooldown_remaining": 0},
    {
        "type": "mine_red",
        "r": 2,
        "c": 1,
        "inventory": {"ore_red": 2},
        "conversion_remaining": 0,
        "cooldown_remaining": 3,
    },
    {"type": "zoo", "r": 2, "c": 2, "inventory": {}},
]


def test_plain_drawing() -> None:
    assert draw(WORLD, 5, 3, colour=False).splitlines() == ["##########", " .0>b* . .", "_~m!Z  . ."]


def test_colours_change_nothing_but_the_colour() -> None:
    coloured = draw(WORLD, 5, 3, selected_agent=0)
    assert coloured != draw(WORLD, 5, 3, selected_agent=11)
    assert ESCAPES.sub("", coloured) == draw(WORLD, 5, 3, colour=False)


def test_view_cuts_a_part_out() -> None:
    assert draw(WORLD, 5, 3, colour=False, view=View(1, 1, 2, 2)).splitlines() == ["0>b*", "m!Z "]


@pytest.mark.parametrize(("cell", "corner"), [((0, 0), (0, 0)), ((2, 4), (1, 2)), ((1, 2), (0, 1))])
def test_view_stays_on_the_map(cell: tuple[int, int], corner: tuple[int, int]) -> None:
    view = view_around(*cell, width=5, height=3, view_width=3, view_height=2)
    assert view == View(*corner, 2, 3)


def test_view_larger_than_the_map_is_the_map() -> None:
    assert view_around(1, 1, width=5, height=3, view_width=80, view_height=40) == View(0, 0, 3, 5)


def test_legend_names_every_kind() -> None:
    text = legend(WORLD, colour=False)
    for part in ("# wall", "_ altar", "m mine_red", "Z zoo", "agent (* frozen)", "~ converting"):
        assert part in text
    assert ESCAPES.sub("", legend(WORLD)) == text


def test_ascii_map_has_one_character_a_cell() -> None:
    assert ascii_map(WORLD, 5, 3).splitlines() == ["#####", ".0b..", "_mZ.."]


def test_doors_and_plants_show_their_state() -> None:
    things = [
        {"type": "door", "r": 0, "c": 0, "inventory": {}, "open": False},
        {"type": "door", "r": 0, "c": 1, "inventory": {}, "open": True},
        {"type": "plant", "r": 0, "c": 2, "inventory": {"apple": 1}, "stock": 1},
        {"type": "plant", "r": 0, "c": 3, "inventory": {}, "stock": 0},
        {"type": "block", "r": 0, "c": 4},
    ]
    assert draw(things, 5, 1, colour=False) == "D d y!, ss"
    assert ascii_map(things, 5, 1) == "Ddy,s"


def test_the_engine_draws_the_same_characters() -> None:
    """``VecEnv.render`` and the default legend agree on every kind that the legend knows."""
    names = [name for name in CHARACTERS if name not in (AGENT, EMPTY) and not name.startswith(f"{AGENT}.")]
    objects = {name: {"type": "wall", "type_id": 1 + i} for i, name in enumerate(names)}
    row = "@" + "".join(CHARACTERS[name] for name in names)
    game = {"num_agents": 1, "objects": objects, "map": {"type": "ascii", "rows": (row,)}}
    config = VecEnvConfig(env=MettaGridConfig.model_validate({"game": game}), num_envs=1, num_slots=1)
    env = make_vec_env(config, 0)
    assert env.render(0) == row.replace("@", "0")
    env.close()
