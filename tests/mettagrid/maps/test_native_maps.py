"""The maps that the engine draws are the ones that the config describes."""

from __future__ import annotations

from collections import Counter
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.map_config import AsciiMapConfig, RandomMapConfig, RoomsMapConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.strategies import games


def drawn(config: MettaGridConfig, seed: int = 0) -> list[dict[str, Any]]:
    env = make_vec_env(VecEnvConfig(env=config, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False), seed)
    objects = env.grid_objects(0)
    env.close()
    return objects


@pytest.mark.parametrize("num_agents", [1, 6, 8, 13, 24])
def test_arena_rooms_have_their_things_and_an_even_share_of_agents(num_agents: int) -> None:
    game = make_arena(num_agents).game
    assert isinstance(game.map, RoomsMapConfig)
    rooms = [Counter[str]() for _ in range(game.map.rooms)]
    for item in drawn(make_arena(num_agents), seed=num_agents):
        row, column = item["r"] - game.map.border_width, item["c"] - game.map.border_width
        if 0 <= row < game.map.height - 2 * game.map.border_width and 0 <= column < game.map.columns * 25:
            room = row // 25 * game.map.columns + column // 25
            if room < game.map.rooms:
                rooms[room][item["type"]] += 1
    share, extra = divmod(num_agents, game.map.rooms)
    for index, room in enumerate(rooms):
        assert {name: room[name] for name in game.map.objects} == game.map.objects
        assert room["agent"] == share + (index < extra)


@given(games(), st.integers(0, 2**32))
def test_random_games_hold_what_their_map_says(config: MettaGridConfig, seed: int) -> None:
    plan = config.game.map
    counts = Counter(str(item["type"]) for item in drawn(config, seed))
    assert counts.pop("agent") == config.game.num_agents
    if isinstance(plan, AsciiMapConfig):
        cells = Counter(plan.cell_names()[char] for row in plan.rows for char in row)
        assert counts == {name: n for name, n in cells.items() if name in config.game.objects}
        return
    if not isinstance(plan, RandomMapConfig | RoomsMapConfig):  # scenes and pools: their own tests say more
        assert counts.keys() <= config.game.objects.keys()
        return
    expected = Counter(plan.objects)
    if isinstance(plan, RandomMapConfig):
        expected["wall"] += plan.width * plan.height - plan.inside
    else:
        expected = Counter({name: n * plan.rooms for name, n in expected.items()})
        expected["wall"] += plan.width * plan.height - plan.rooms * plan.inside
        assert ceil(plan.rooms / plan.columns) * plan.room_height + 2 * plan.border_width == plan.height
    assert +counts == +expected


def test_agents_are_numbered_in_reading_order() -> None:
    rows = ("#@..", "@.@.", "...@")
    config = make_arena(4).replace({"game.map": {"type": "ascii", "rows": rows}})
    agents = [item for item in drawn(config) if item["type"] == "agent"]
    assert [(item["agent_id"], item["r"], item["c"]) for item in agents] == [(0, 0, 1), (1, 1, 0), (2, 1, 2), (3, 2, 3)]


def test_every_free_cell_is_equally_likely() -> None:
    """A lone agent over 5,000 episodes of a map with 10 free cells: chi-square with 9 degrees, p > 0.0001."""
    config = make_arena(1).replace(
        {"game.map": {"type": "random", "width": 7, "height": 4, "border_width": 1, "objects": {}}, "game.max_steps": 1}
    )
    env = make_vec_env(VecEnvConfig(env=config, num_envs=5000, num_threads=1, num_slots=1, desync_episodes=False), 7)
    cells = Counter((env.grid_objects(i)[0]["r"], env.grid_objects(i)[0]["c"]) for i in range(5000))
    env.close()
    assert len(cells) == 10
    assert sum((n - 500) ** 2 / 500 for n in cells.values()) < 33.7
