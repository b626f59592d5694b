"""The standard objects are the classic ones."""

from __future__ import annotations

from typing import Any

import pytest

from metta.mettagrid.config import standard_objects as standard
from metta.mettagrid.config.game import DEFAULT_RESOURCES, GameConfig
from metta.mettagrid.config.objects import ConverterConfig, ObjectConfig

CLASSIC: dict[str, tuple[ObjectConfig, int]] = {
    "wall": (standard.wall(), 1),
    "mine_red": (standard.mine("red"), 2),
    "mine_blue": (standard.mine("blue"), 3),
    "mine_green": (standard.mine("green"), 4),
    "generator_red": (standard.generator("red"), 5),
    "generator_blue": (standard.generator("blue"), 6),
    "generator_green": (standard.generator("green"), 7),
    "altar": (standard.altar(), 8),
    "block": (standard.block(), 14),
    "lasery": (standard.lasery(), 15),
    "armory": (standard.armory(), 16),
    "lab": (standard.lab(), 17),
    "factory": (standard.factory(), 18),
    "temple": (standard.temple(), 19),
    "chest": (standard.chest(), 20),
}


@pytest.mark.parametrize("name", CLASSIC)
def test_type_ids(name: str) -> None:
    thing, type_id = CLASSIC[name]
    assert thing.type_id == type_id


def test_all_of_them_make_one_game() -> None:
    game = GameConfig(objects={name: thing for name, (thing, _) in CLASSIC.items()})
    used: set[str] = set()
    for thing in game.objects.values():
        for use in thing.resource_uses():
            used |= use.amounts.keys()
    assert used == set(DEFAULT_RESOURCES)


@pytest.mark.parametrize(
    ("thing", "expected"),
    [
        (standard.mine("blue", initial=1), {"output_resources": {"ore_blue": 1}, "cooldown": 50}),
        (standard.generator("green"), {"input_resources": {"ore_green": 1}, "cooldown": 25}),
        (standard.altar(), {"input_resources": {"battery_red": 3}, "output_resources": {"heart": 1}, "cooldown": 10}),
        (standard.lab(), {"output_resources": {"blueprint": 1}, "cooldown": 5}),
        (standard.factory(), {"output_resources": {"armor": 5, "laser": 5}, "cooldown": 5}),
        (standard.emptied(standard.factory()), {"type_id": 18, "input_resources": {}, "output_resources": {}}),
    ],
)
def test_recipes(thing: ConverterConfig, expected: dict[str, Any]) -> None:
    values = thing.model_dump()
    assert {key: values[key] for key in expected} == expected


def test_initial_resources_are_there_at_the_start() -> None:
    assert standard.mine(initial=1).initial_resource_count == 1
