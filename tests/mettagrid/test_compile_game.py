"""A config becomes tables: names and sizes come out as they went in."""

from __future__ import annotations

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.compile_game import compile_game


def test_tables_say_what_the_config_says() -> None:
    config = make_arena(7)
    program = compile_game(config)
    assert (program.num_agents, program.max_steps, program.num_tokens) == (7, 1000, config.game.obs.num_tokens)
    assert tuple(program.resource_names) == config.game.resource_names
    assert (program.map_width, program.map_height) == (config.game.map.width, config.game.map.height)


def test_a_drawn_map_knows_the_default_characters() -> None:
    map_ = {"type": "ascii", "rows": ["#m", "@."]}
    program = compile_game(make_arena(1).replace({"game.map": map_}))
    assert (program.map_width, program.map_height) == (2, 2)
