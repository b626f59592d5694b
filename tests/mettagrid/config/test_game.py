"""Faults in a game config are refused, each with a message that names the key and the cure."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.objects import ConverterConfig, WallConfig

FAULTS: dict[str, tuple[dict[str, Any], tuple[str, ...]]] = {
    "unknown resource in a recipe": (
        {"game.objects.altar.input_resources": {"batery_red": 1}},
        ("game.objects.altar.input_resources", "'batery_red'", "Did you mean 'battery_red'?", "game.resource_names"),
    ),
    "unknown resource in a limit": (
        {"game.agent.resource_limits": {"heartt": 3}},
        ("game.agent.resource_limits", "'heartt'", "Did you mean 'heart'?"),
    ),
    "unknown resource in a cost": (
        {"game.actions.attack.consumed_resources": {"lasers": 1}},
        ("game.actions.attack.consumed_resources", "'lasers'", "Did you mean 'laser'?"),
    ),
    "unknown resource in a reward": (
        {"game.agent.rewards.inventory": {"ore": 1.0}},
        ("game.agent.rewards.inventory", "'ore'"),
    ),
    "unknown resource in a cap": (
        {"game.agent.rewards.inventory_max": {"hearts": 1.0}},
        ("game.agent.rewards.inventory_max", "'hearts'", "Did you mean 'heart'?"),
    ),
    "unknown soul-bound resource": (
        {"game.agent.soul_bound_resources": ("armour",)},
        ("game.agent.soul_bound_resources", "'armour'", "Did you mean 'armor'?"),
    ),
    "unknown object in the map": (
        {"game.map.objects": {"altr": 1}},
        ("game.map.objects", "'altr'", "Did you mean 'altar'?", "game.objects"),
    ),
    "unknown border": (
        {"game.map.border_object": "wal"},
        ("game.map.border_object", "'wal'", "Did you mean 'wall'?"),
    ),
    "input that nobody can carry": (
        {"game.agent.resource_limits": {"battery_red": 0}},
        ("game.objects.generator_red.output_resources.battery_red=1", "game.agent.resource_limits.battery_red"),
    ),
    "more at the start than the limit": (
        {"game.agent.initial_inventory": {"ore_red": 51}},
        ("agent.initial_inventory.ore_red=51", "limit of 50", "agent.resource_limits.ore_red"),
    ),
    "two objects of one type id": (
        {"game.objects.armory": WallConfig(type_id=8)},
        ("game.objects.armory.type_id=8", "'altar'", "for example 3"),
    ),
    "two groups of one id": (
        {"game.groups": {"red": {"id": 0}, "blue": {"id": 0}}},
        ("game.groups.blue.id=0", "'red'"),
    ),
    "a resource listed twice": (
        {"game.resource_names": ("heart", "ore_red", "battery_red", "laser", "armor", "heart")},
        ("game.resource_names[5]='heart'", "twice"),
    ),
    "a reserved object name": (
        {"game.objects.agent": WallConfig(type_id=3)},
        ("game.objects.agent", "reserved"),
    ),
    "too many objects": (
        {"game.map.objects": {"wall": 620}},
        ("6 agents and 620 objects", "625 free cells", "game.map.room_width"),
    ),
    "too many agents": ({"game.num_agents": 1025}, ("num_agents", "less than or equal to 1024")),
    "an even window": ({"game.obs.width": 10}, ("obs.width=10", "Set obs.width=9 or 11")),
    "a window too large": ({"game.obs.height": 17}, ("height", "less than or equal to 15")),
    "a reward without bound": (
        {"game.agent.rewards.inventory": {"heart": float("inf")}},
        ("rewards.inventory.heart=inf", "finite"),
    ),
    "an unknown statistic": (
        {"game.agent.rewards.stats": {"heart.gaind": 1.0}},
        ("game.agent.rewards.stats", "'heart.gaind'", "Did you mean 'heart.gained'"),
    ),
    "an unknown key": ({"game.agnt": 1}, ("'game.agnt'", "Did you mean 'agent'?")),
    "another profile": ({"game.profile": "classical"}, ("profile", "'use'")),
}


@pytest.mark.parametrize(("changes", "parts"), FAULTS.values(), ids=FAULTS.keys())
def test_fault_is_told_with_key_value_and_cure(changes: dict[str, Any], parts: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError) as caught:
        make_arena(6).replace(changes)
    for part in parts:
        assert part in str(caught.value)


def test_recipe_without_room_for_output_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"max_output=0 .*max_conversions=0"):
        ConverterConfig(type_id=2, output_resources={"ore_red": 1}, max_output=0, cooldown=1)
    assert ConverterConfig(type_id=2, max_output=0, max_conversions=0, cooldown=1).max_output == 0


def test_resource_on_both_sides_of_a_recipe_is_refused() -> None:
    with pytest.raises(ConfigError, match="inputs and outputs"):
        ConverterConfig(type_id=2, input_resources={"a": 1}, output_resources={"a": 2}, cooldown=1)


@pytest.mark.parametrize("amount", [0, -1, 65_536])
def test_amounts_outside_the_engine_numbers_are_refused(amount: int) -> None:
    with pytest.raises(ConfigError, match=r"input_resources\.a=.*expected 1 \.\. 65535"):
        ConverterConfig(type_id=2, input_resources={"a": amount}, cooldown=1)


def test_bare_config_is_playable() -> None:
    game = MettaGridConfig().game
    assert game.actions.names()[0] == "noop"
    assert game.map.object_names() == {"wall": "game.map.border_object"}


def test_config_survives_json() -> None:
    config = make_arena(7)
    assert MettaGridConfig.model_validate_json(config.model_dump_json()) == config


def test_defaults_are_never_shared() -> None:
    """Configs are frozen, but their dicts are not: two games must not share one."""
    first, second = GameConfig(), GameConfig()
    assert first.objects is not second.objects
    assert first.agent.copy().rewards.inventory is not first.agent.rewards.inventory
