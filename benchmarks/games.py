"""The games that the engine's benchmarks know by name. A new one: a function of the number of agents, a line below."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import ceil, isqrt
from typing import Final

from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.map_config import RandomMapConfig

_ROOM_SIDE = 25
_CELLS_PER_AGENT = 26
"""24 agents in a room of 25 x 25, as the peers' arenas have them."""


def make_arena_room(num_agents: int = 24) -> MettaGridConfig:
    """The arena's rules with all agents in one room, as crowded as the arenas of the peers: 24 in 25 x 25 cells."""
    side = max(_ROOM_SIDE, isqrt(num_agents * _CELLS_PER_AGENT) + 1)
    objects = {"wall": 10, "altar": 5, "mine_red": 10, "generator_red": 5, "lasery": 1, "armory": 1}
    crowds = max(1, ceil(num_agents / 24))
    game_map = RandomMapConfig(
        width=side + 12,
        height=side + 12,
        border_width=6,
        objects={name: count * crowds for name, count in objects.items()},
    )
    return make_arena(num_agents).replace({"label": "arena_room", "game.map": game_map})


def make_empty(num_agents: int = 24) -> MettaGridConfig:
    """Agents in an empty box that can only move: what the engine costs without a game."""
    return _open_field("empty", num_agents, wall_share=0.0)


def make_walls(num_agents: int = 24) -> MettaGridConfig:
    """Agents among scattered walls (4 % of the cells) that can only move."""
    return _open_field("walls", num_agents, wall_share=0.04)


def _open_field(label: str, num_agents: int, wall_share: float) -> MettaGridConfig:
    side = max(_ROOM_SIDE, isqrt(num_agents * _CELLS_PER_AGENT) + 1)
    walls = round(side * side * wall_share)
    game_map = RandomMapConfig(
        width=side + 12, height=side + 12, border_width=6, objects={"wall": walls} if walls else {}
    )
    return make_arena(num_agents).replace({"label": label, "game.map": game_map, "game.actions.attack.enabled": False})


GAMES: Final[Mapping[str, Callable[[int], MettaGridConfig]]] = {
    "arena": make_arena,
    "arena_room": make_arena_room,
    "arena_sparse": make_arena_sparse,
    "empty": make_empty,
    "walls": make_walls,
}
