"""Draws maps as text, without an environment."""

from __future__ import annotations

from collections import Counter
from typing import Any

from metta.mettagrid.builder.envs import arena_objects
from metta.mettagrid.compile_game import compile_game
from metta.mettagrid.config.game import GameConfig, MettaGridConfig

CHARACTERS = {"empty": ".", "wall": "#", "agent": "@", "altar": "_", "mine_red": "m"}
Rows = tuple[str, ...]


def game_on(map_config: dict[str, Any], num_agents: int) -> MettaGridConfig:
    """A game with walls, altars and mines on a map."""
    things = arena_objects()
    game = {
        "num_agents": num_agents,
        "resource_names": ("battery_red", "heart", "ore_red"),
        "objects": {name: things[name].model_dump() for name in ("wall", "altar", "mine_red")},
        "map": map_config,
    }
    return MettaGridConfig(game=GameConfig.model_validate(game))


def draw_map(map_config: dict[str, Any], num_agents: int = 0, seed: int = 0, episode: int = 0) -> Rows:
    """One map as rows of characters."""
    program = compile_game(game_on(map_config, num_agents))
    characters = [CHARACTERS.get(name, "?") for name in program.cell_names]
    drawn = program.draw_maps(seed=seed, episode=episode)[0].tolist()
    return tuple("".join(characters[cell] for cell in row) for row in drawn)


def draw_scene(scene: dict[str, Any], width: int = 24, height: int = 12, seed: int = 0, **changes: Any) -> Rows:
    """A scene with one agent put on a corner that is cleared for it, which every game needs."""
    corner = {"scene": {"type": "ascii", "rows": ["@"]}}
    drawn = scene | {"children": [*scene.get("children", []), corner]}
    config = {"type": "scene", "instance_width": width, "instance_height": height, "border_width": 0, "scene": drawn}
    return draw_map(config | changes, num_agents=1, seed=seed)


def count(rows: Rows) -> Counter[str]:
    return Counter("".join(rows))


def regions(rows: Rows, walls: str = "#") -> list[set[tuple[int, int]]]:
    """Connected sets of cells that are no walls, by steps to four neighbours."""
    left = {(r, c) for r, row in enumerate(rows) for c, char in enumerate(row) if char not in walls}
    found: list[set[tuple[int, int]]] = []
    while left:
        open_cells = [left.pop()]
        region = set(open_cells)
        while open_cells:
            r, c = open_cells.pop()
            for cell in ((r - 1, c), (r + 1, c), (r, c - 1), (r, c + 1)):
                if cell in left:
                    left.remove(cell)
                    region.add(cell)
                    open_cells.append(cell)
        found.append(region)
    return found
