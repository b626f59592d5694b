"""Named maps and games are what the builders make, and can be drawn."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.builder.navigation import make_navigation
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.maps.named import game_names, map_names, named_game, named_map
from metta.mettagrid.maps.picture import draw_map


def test_games_are_the_builders() -> None:
    made = {"arena": make_arena(), "arena_sparse": make_arena_sparse(), "navigation": make_navigation()}
    assert {name: named_game(name) for name in made} == made


@pytest.mark.parametrize("name", map_names())
def test_every_map_can_be_drawn(name: str) -> None:
    config = named_map(name)
    drawing = draw_map(config, num_agents=24, seed=1) if config.type == "rooms" else draw_map(config, seed=1)
    assert (len(drawing.cells), len(drawing.cells[0])) == (config.height, config.width)
    agents = {i for i, cell in enumerate(drawing.names) if cell.startswith("agent")}
    assert sum(cell in agents for row in drawing.cells for cell in row) >= 4


@pytest.mark.parametrize("name", game_names())
def test_every_game_compiles(name: str) -> None:
    assert compile_game(named_game(name)).num_agents == named_game(name).game.num_agents


def test_paths_and_typos(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("type: random\nwidth: 9\n")
    assert named_map(str(path)).width == 9
    path.write_text("type: random\nwidht: 9\n")
    with pytest.raises(ConfigError, match=r"describes no map: .*widht"):
        named_map(str(path))
    with pytest.raises(ConfigError, match=r"No map 'cavs'\. Did you mean 'caves'\?"):
        named_map("cavs")
    with pytest.raises(ConfigError, match=r"No game 'navigaton'\. Did you mean 'navigation'\?"):
        named_game("navigaton")
