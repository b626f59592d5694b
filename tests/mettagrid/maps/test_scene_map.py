"""Instances, borders, connectivity and faults of maps that scenes draw."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.errors import ConfigError
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps import picture
from metta.mettagrid.maps.picture import as_text
from metta.mettagrid.maps.pool_map import PoolMapConfig
from metta.mettagrid.maps.scene_map import SceneMapConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from tests.mettagrid.maps.drawing import count, draw_map, game_on, regions

SCATTER = {"scene": {"type": "random", "agents": 2, "objects": {"altar": 3}}}
CAVES: dict[str, Any] = {
    "type": "scene",
    "instance_width": 30,
    "instance_height": 20,
    "border_width": 1,
    "scene": {"type": "caves", "fill": 0.5, "children": [SCATTER]},
}


@settings(max_examples=15)
@given(st.integers(1, 7), st.integers(0, 3), st.integers(0, 3))
def test_instances_stand_side_by_side(instances: int, border: int, gap: int) -> None:
    config = {
        "type": "scene",
        "instance_width": 5,
        "instance_height": 4,
        "instances": instances,
        "border_width": border,
        "instance_border_width": gap,
        "scene": {"type": "random", "agents": 1},
    }
    rows = draw_map(config, instances)
    parsed = SceneMapConfig.model_validate(config)
    assert (len(rows[0]), len(rows)) == (parsed.width, parsed.height)
    assert count(rows)["@"] == instances
    assert count(rows)["#"] == parsed.width * parsed.height - 20 * instances


def test_maps_differ_by_seed_environment_and_episode() -> None:
    program = compile_game(game_on(CAVES, 2))
    first = program.draw_maps(seed=1, count=2)
    assert (first[0] != first[1]).any()
    assert (first == program.draw_maps(seed=1, count=2)).all()
    assert (first[1] == program.draw_maps(seed=1, episode=1)[0]).all()
    assert (first[0] != program.draw_maps(seed=2)[0]).any()
    assert (first[0] != program.draw_maps(seed=1, env=1)[0]).any()


@pytest.mark.parametrize("connectivity", ["check", "repair"])
def test_everything_is_in_reach(connectivity: str) -> None:
    config = CAVES | {"connectivity": connectivity}
    if connectivity == "check":
        config["scene"] = {"type": "caves", "fill": 0.42, "children": [SCATTER]}
    for seed in range(20):
        rows = draw_map(config, 2, seed)
        walkable = regions(rows, walls="#_")
        home = next(region for region in walkable if any(rows[r][c] == "@" for r, c in region))
        for r, row in enumerate(rows):
            for c, char in enumerate(row):
                assert char != "@" or (r, c) in home
                near = {(r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)}
                assert char != "_" or near & home, f"altar at {r}, {c} of seed {seed}"


def test_a_map_that_never_connects_is_named() -> None:
    shut = {"type": "ascii", "rows": ["@#@"]}
    config = {"type": "scene", "instance_width": 3, "instance_height": 1, "scene": shut, "connectivity": "check"}
    with pytest.raises(ConfigError, match=r"none of 64 maps.*'agent' at row 5, column 7 is out of the agents' reach"):
        draw_map(config, 2)
    assert draw_map(config | {"connectivity": "repair", "border_width": 0}, 2) == ("@.@",)
    walled = config | {"scene": {"type": "ascii", "rows": ["@_@"]}, "connectivity": "repair"}
    with pytest.raises(ConfigError, match="Objects shut it in"):
        draw_map(walled, 2)


@pytest.mark.parametrize(("starts_open", "map_type"), [(False, "scene"), (True, "scene"), (False, "pool")])
def test_a_closed_door_is_a_way(starts_open: bool, map_type: str) -> None:
    """Somebody may bring the key; a chest in the same place shuts the map."""
    rows = ["@D@"]
    scene = {"type": "scene", "instance_width": 3, "instance_height": 1, "scene": {"type": "ascii", "rows": rows}}
    map_ = (scene if map_type == "scene" else {"type": "pool", "grids": [rows]}) | {"connectivity": "check"}
    door = {"type": "door", "key_resources": {"heart": 1}, "starts_open": starts_open}
    objects = {"wall": {"type": "wall", "type_id": 1}, "door": door}
    config = MettaGridConfig().replace({"game.num_agents": 2, "game.objects": objects, "game.map": map_})
    assert compile_game(config).draw_maps(seed=0).shape[0] == 1
    chest = objects | {"door": {"type": "chest", "resource": "heart"}}
    with pytest.raises(ConfigError, match="out of the agents' reach"):
        compile_game(config.replace({"game.objects": chest}))


def test_the_preview_takes_doors_for_ways() -> None:
    """Drawn without a game, by the names of things alone."""
    pool = {"type": "pool", "connectivity": "check", "agents": 2}
    assert as_text(picture.draw_map(PoolMapConfig.model_validate(pool | {"grids": [["@D@"]], "agents": 0}))).startswith(
        "@D@"
    )
    with pytest.raises(ConfigError, match="out of the agents' reach"):
        picture.draw_map(PoolMapConfig.model_validate(pool | {"grids": [["@_@"]], "agents": 0}))


@pytest.mark.parametrize("agents", [1, 3])
def test_another_number_of_agents_is_named(agents: int) -> None:
    with pytest.raises(ConfigError, match=rf"it holds 2 agents, but num_agents={agents}\. Set num_agents=2"):
        draw_map(CAVES, agents)


def test_a_map_beyond_the_limit_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"map of \d+x\d+, expected at most 1024x1024.*fewer or smaller"):
        SceneMapConfig(instance_width=500, instances=9)


def test_the_number_of_objects_may_differ_per_episode() -> None:
    scene = {
        "type": "random_objects",
        "object_ranges": {"altar": (0.0, 0.3), "wall": (0.0, 0.3)},
        "children": [{"scene": {"type": "random", "agents": 2}}],
    }
    config = {"type": "scene", "instance_width": 8, "instance_height": 8, "border_width": 1, "scene": scene}
    batch = VecEnvConfig(env=game_on(config, 2), num_envs=30, num_threads=1, num_slots=1, desync_episodes=False)
    env = make_vec_env(batch, seed=3)
    altars = [sum(item["type"] == "altar" for item in env.grid_objects(i)) for i in range(30)]
    drawn = compile_game(game_on(config, 2))
    assert altars == [
        int((drawn.draw_maps(seed=3, env=i)[0] == drawn.cell_names.index("altar")).sum()) for i in range(30)
    ]
    assert len(set(altars)) > 8
    before = env.snapshot()
    env.restore(before)
    assert env.state_hash(3) == env.state_hash(3)
    env.close()
