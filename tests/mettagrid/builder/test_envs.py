"""The arena has the numbers that DECISIONS and the reference settle."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.config.objects import ConverterConfig
from metta.mettagrid.maps.map_config import RoomsMapConfig


def test_arena_numbers() -> None:
    game = make_arena().game
    assert (game.num_agents, game.max_steps, game.profile) == (24, 1000, "use")
    assert game.agent.rewards.inventory == {"heart": 1, "ore_red": 0.1, "battery_red": 0.8, "laser": 0.5, "armor": 0.5}
    assert game.agent.rewards.inventory_max == {"heart": 100, "ore_red": 1, "battery_red": 1, "laser": 1, "armor": 1}
    assert (game.agent.limit_of("ore_red"), game.agent.limit_of("heart")) == (50, 255)
    recipes = {
        name: (thing.input_resources, thing.output_resources, thing.cooldown)
        for name, thing in game.objects.items()
        if isinstance(thing, ConverterConfig)
    }
    assert recipes == {
        "mine_red": ({}, {"ore_red": 1}, 50),
        "generator_red": ({"ore_red": 1}, {"battery_red": 1}, 25),
        "altar": ({"battery_red": 1}, {"heart": 1}, 10),
        "lasery": ({"battery_red": 1, "ore_red": 2}, {"laser": 1}, 10),
        "armory": ({"ore_red": 3}, {"armor": 1}, 10),
    }
    assert isinstance(game.map, RoomsMapConfig)
    assert (game.map.width, game.map.height, game.map.inside) == (62, 62, 625)


@pytest.mark.parametrize(("agents", "rooms"), [(1, 1), (6, 1), (7, 2), (24, 4), (25, 5)])
def test_six_agents_share_a_room(agents: int, rooms: int) -> None:
    game = make_arena(agents).game
    assert isinstance(game.map, RoomsMapConfig)
    assert game.map.rooms == rooms


def test_sparse_arena_pays_hearts_only() -> None:
    game = make_arena_sparse().game
    altar = game.objects["altar"]
    assert game.agent.rewards.inventory == {"heart": 1.0}
    assert isinstance(altar, ConverterConfig)
    assert altar.input_resources == {"battery_red": 3}


def test_peace_keeps_the_action_space() -> None:
    war, peace = make_arena(combat=True).game, make_arena(combat=False).game
    assert war.actions.names() == peace.actions.names()
    assert peace.actions.attack.consumed_resources["laser"] > peace.agent.limit_of("laser")


@pytest.mark.parametrize("agents", [-3, 0, 1025, 100_000])
@pytest.mark.parametrize("make", [make_arena, make_arena_sparse])
def test_a_number_of_agents_that_no_game_can_have_is_refused(make: Callable[..., MettaGridConfig], agents: int) -> None:
    with pytest.raises(ConfigError, match=f"num_agents={agents}: expected 1 to 1024"):
        make(agents)
    assert make(1024).game.num_agents == 1024
