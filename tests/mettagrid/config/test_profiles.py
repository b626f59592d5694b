"""Profiles fill what a game leaves unset, at any depth, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid import _core
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.actions import ActionsConfig, AttackConfig, MoveConfig
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.profiles import Profile

FAMILIES = {
    "classic": ["noop", "move", "rotate", "put_items", "get_items"],
    "use": ["noop", "move"],
    "energy": ["noop", "move", "rotate", "attack", "shield"],
}


@pytest.mark.parametrize("profile", FAMILIES)
def test_every_profile_compiles_from_nothing_else(profile: Profile) -> None:
    game = GameConfig(profile=profile)
    assert list(game.actions.families()) == FAMILIES[profile]
    assert game.actions.move.uses_objects == (profile != "classic")
    assert tuple(_core.GameProgram(game.model_dump(mode="json")).action_names) == game.actions.names()
    assert game.model_fields_set == {"profile"}


def test_a_bare_game_is_classic() -> None:
    assert MettaGridConfig().game == GameConfig(profile="classic")


@pytest.mark.parametrize("first", FAMILIES)
@pytest.mark.parametrize("then", FAMILIES)
@pytest.mark.parametrize("changes", [{}, {"actions.attack.damage": 3}, {"agent.freeze_duration": 2}])
def test_replace_switches_all_that_was_filled(first: Profile, then: Profile, changes: dict[str, Any]) -> None:
    switched = GameConfig(profile=first).replace(changes).replace({"profile": then})
    assert switched == GameConfig(profile=then).replace(changes)
    assert switched.actions.model_fields_set == ({"attack"} if "actions.attack.damage" in changes else set())


def test_what_the_user_set_stays() -> None:
    actions = ActionsConfig(move=MoveConfig(uses_objects=True), attack=AttackConfig(consumed_resources={"laser": 1}))
    classic = GameConfig(profile="classic", actions=actions)
    assert classic.actions.move.uses_objects
    assert classic.actions.rotate.enabled
    assert not actions.rotate.enabled, "the user's own config is not changed"
    energy = classic.replace({"profile": "energy"})
    assert (energy.actions.attack.enabled, energy.actions.attack.consumed_resources) == (True, {"laser": 1.0})
    assert not energy.actions.put_items.enabled


def test_a_saved_game_comes_back_whatever_its_profile() -> None:
    for profile in FAMILIES:
        config = MettaGridConfig.model_validate({"game": {"profile": profile}})
        assert MettaGridConfig.model_validate_json(config.model_dump_json()) == config


def test_the_arena_stays_a_game_of_use() -> None:
    arena = make_arena().game
    assert (arena.profile, list(arena.actions.families())) == ("use", ["noop", "move", "attack"])


def test_the_objects_of_a_profile_go_with_its_map() -> None:
    game = GameConfig(profile="energy", objects={"wall": GameConfig().objects["wall"]})
    assert game.map.object_names() == {"wall": "game.map.border_object"}


def test_energy_asks_for_its_resource() -> None:
    with pytest.raises(ConfigError, match=r"'energy', but game\.resource_names declares"):
        GameConfig().replace({"profile": "energy", "resource_names": ("heart", "ore_red")})


def test_filled_values_are_never_shared() -> None:
    first, second = GameConfig(profile="energy"), GameConfig(profile="energy")
    assert first.objects["altar"] is not second.objects["altar"]
    assert first.agent.resource_limits is not second.agent.resource_limits
