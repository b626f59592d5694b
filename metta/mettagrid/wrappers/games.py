"""Games that the wrappers know by name, so that a registered id needs nothing but strings and numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.mettagrid.builder.envs import make_arena, make_arena_sparse, make_empty
from metta.mettagrid.builder.navigation import make_navigation
from metta.mettagrid.config.game import MettaGridConfig

GAMES: Mapping[str, Callable[[int], MettaGridConfig]] = {
    "arena": make_arena,
    "arena_sparse": make_arena_sparse,
    "empty": make_empty,
    "navigation": make_navigation,
}
"""Name -> function of the number of agents."""


def resolve_game(
    game: MettaGridConfig | str, *, num_agents: int | None = None, max_steps: int | None = None
) -> MettaGridConfig:
    """The game of a config or a name, with its episodes' length changed on request.

    Args:
        num_agents: agents of a named game; absent: 1. A config has its own.
        max_steps: steps until truncation; absent: the game's own.

    Raises:
        ConfigError: an unknown name, or ``num_agents`` beside a config that says otherwise.

    >>> resolve_game("arena", num_agents=2, max_steps=7).game.max_steps
    7
    """
    if isinstance(game, str):
        if game not in GAMES:
            raise ConfigError(f"game={game!r} is unknown, expected one of {sorted(GAMES)}.{did_you_mean(game, GAMES)}")
        config = GAMES[game](1 if num_agents is None else num_agents)
    else:
        config = game
        if num_agents not in (None, config.game.num_agents):
            raise ConfigError(
                f"num_agents={num_agents}, but the game {config.label!r} has {config.game.num_agents} agents. "
                "Change game.num_agents and its map in the config, and leave num_agents out here."
            )
    return config if max_steps is None else config.replace({"game.max_steps": max_steps})
