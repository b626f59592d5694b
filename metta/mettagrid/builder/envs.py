"""Ready-made games."""

from __future__ import annotations

from math import ceil

from metta.common.errors import ConfigError
from metta.mettagrid.config import standard_objects as standard
from metta.mettagrid.config.actions import ActionsConfig, AttackConfig
from metta.mettagrid.config.agent import AgentConfig
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.config.limits import MAX_AGENTS
from metta.mettagrid.config.objects import ObjectConfig
from metta.mettagrid.config.rewards import RewardsConfig
from metta.mettagrid.maps.map_config import RandomMapConfig, RoomsMapConfig

ARENA_RESOURCES = ("heart", "ore_red", "battery_red", "laser", "armor")
AGENTS_PER_ROOM = 6
_LASERS_PER_ATTACK = {True: 1, False: 100}
"""Without combat an attack costs more lasers than an agent can hold: the action space stays the same."""


def arena_objects(batteries_per_heart: int = 1) -> dict[str, ObjectConfig]:
    """Wall, mine, generator, altar, lasery and armory with the classic numbers."""
    return {
        "wall": standard.wall(),
        "mine_red": standard.mine("red"),
        "generator_red": standard.generator("red"),
        "altar": standard.altar(batteries_per_heart),
        "lasery": standard.lasery(),
        "armory": standard.armory(),
    }


def make_arena(num_agents: int = 24, combat: bool = True) -> MettaGridConfig:
    """Agents mine ore, charge batteries, earn hearts, and fight with lasers behind armor; shaped rewards.

    Six agents share a room of 25x25; rooms stand side by side without walls between them.

    Args:
        num_agents: agents in one environment.
        combat: whether an attack is affordable.

    Raises:
        ConfigError: fewer than one agent, or more than a game can have.

    >>> make_arena().game.map.width
    62
    """
    rewards = RewardsConfig(
        inventory={"heart": 1.0, "ore_red": 0.1, "battery_red": 0.8, "laser": 0.5, "armor": 0.5},
        inventory_max={"heart": 100.0, "ore_red": 1.0, "battery_red": 1.0, "laser": 1.0, "armor": 1.0},
    )
    return _arena("arena", num_agents, combat, rewards, batteries_per_heart=1)


def make_arena_sparse(num_agents: int = 24, combat: bool = True) -> MettaGridConfig:
    """The arena with reward for hearts only, each of which costs three batteries.

    >>> make_arena_sparse(6).game.agent.rewards.inventory
    {'heart': 1.0}
    """
    return _arena("arena_sparse", num_agents, combat, RewardsConfig(inventory={"heart": 1.0}), batteries_per_heart=3)


def make_empty(num_agents: int = 1, size: int = 11) -> MettaGridConfig:
    """A bare walled room: nothing to find, nothing to win. For tests of interfaces and as a start for own games.

    Args:
        size: cells along a side of the room, walls not counted.

    >>> make_empty().game.actions.names()
    ('noop', 'move_north', 'move_south', 'move_west', 'move_east')
    """
    room = RandomMapConfig(width=size + 2, height=size + 2)
    return MettaGridConfig(
        label="empty", game=GameConfig(profile="use", num_agents=num_agents, max_steps=1000, map=room)
    )


def _arena(
    label: str, num_agents: int, combat: bool, rewards: RewardsConfig, batteries_per_heart: int
) -> MettaGridConfig:
    if not 1 <= num_agents <= MAX_AGENTS:
        raise ConfigError(f"num_agents={num_agents}: expected 1 to {MAX_AGENTS}.")
    attack = AttackConfig(
        enabled=True,
        consumed_resources={"laser": _LASERS_PER_ATTACK[combat]},
        defense_resources={"armor": 1},
    )
    game = GameConfig(
        profile="use",
        resource_names=ARENA_RESOURCES,
        num_agents=num_agents,
        max_steps=1000,
        agent=AgentConfig(
            default_resource_limit=50, resource_limits={"heart": 255}, freeze_duration=10, rewards=rewards
        ),
        actions=ActionsConfig(attack=attack),
        objects=arena_objects(batteries_per_heart),
        map=RoomsMapConfig(
            rooms=max(1, ceil(num_agents / AGENTS_PER_ROOM)),
            objects={"wall": 10, "altar": 5, "mine_red": 10, "generator_red": 5, "lasery": 1, "armory": 1},
        ),
    )
    return MettaGridConfig(label=label, game=game)
