"""A whole game as data. ``MettaGridConfig`` is what recipes build and what the engine compiles."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.actions import ActionsConfig
from metta.mettagrid.config.agent import AgentConfig, GroupConfig
from metta.mettagrid.config.checks import check_names, check_stats, check_unique
from metta.mettagrid.config.limits import MAX_AGENTS, MAX_OBJECT_KINDS, MAX_RESOURCES, MAX_STEPS
from metta.mettagrid.config.objects import BlockConfig, ObjectConfig, PileConfig, WallConfig
from metta.mettagrid.config.observation import ObservationConfig
from metta.mettagrid.config.profiles import DEFAULT_RESOURCES, Profile, profile_values
from metta.mettagrid.config.stats import agent_stat_names
from metta.mettagrid.config.systems import SystemsConfig
from metta.mettagrid.config.teams import check_counts, check_goals, check_sharing
from metta.mettagrid.maps.legend import AGENT, EMPTY
from metta.mettagrid.maps.map_config import MapConfig, RandomMapConfig


class GameConfig(Config):
    """Rules, things, agents and map of a game (``docs/mettagrid.md``).

    >>> GameConfig(profile="use").actions.names()
    ('noop', 'move_north', 'move_south', 'move_west', 'move_east')
    >>> GameConfig().actions.put_items.enabled
    True
    """

    profile: Profile = Field(
        default="classic",
        description="defaults for what is left unset. classic: agents rotate, put and get; use: moving into an object "
        "uses it; energy: actions cost energy, shields, altars with a price",
    )
    resource_names: tuple[str, ...] = Field(
        default=DEFAULT_RESOURCES, max_length=MAX_RESOURCES, description="their order fixes resource and feature ids"
    )
    num_agents: int = Field(default=24, ge=1, le=MAX_AGENTS)
    max_steps: int = Field(
        default=1000, ge=0, le=MAX_STEPS, description="steps until the episode is truncated; 0: endless"
    )
    obs: ObservationConfig = ObservationConfig()
    agent: AgentConfig = AgentConfig()
    groups: dict[str, GroupConfig] = Field(
        default={"agent": GroupConfig(id=0)}, min_length=1, description="the first one is every agent's default"
    )
    reward_sharing: tuple[tuple[float, ...], ...] | None = Field(
        default=None,
        description="matrix: agent i gets the sum over j of reward_sharing[i][j] x what agent j earned",
    )
    terminate_when: dict[str, float] = Field(
        default={}, description="agent statistic -> the sum over all agents that terminates the episode; any will do"
    )
    actions: ActionsConfig = ActionsConfig()
    systems: SystemsConfig = SystemsConfig()
    objects: dict[str, ObjectConfig] = Field(
        default={"wall": WallConfig(type_id=1)}, max_length=MAX_OBJECT_KINDS, description="what a map can hold"
    )
    map: MapConfig = RandomMapConfig()

    @model_validator(mode="after")
    def _follows_its_profile(self) -> Self:
        """Before all other checks. Past pydantic's own ``setattr``: what a profile fills counts as unset."""
        for name, value in profile_values(self, self.profile).items():
            object.__setattr__(self, name, value)
        return self

    @model_validator(mode="after")
    def _names_are_declared(self) -> Self:
        check_unique("game.resource_names", self.resource_names)
        stats = agent_stat_names(
            self.resource_names,
            self.actions.families(),
            systems=self.systems.enabled(),
            statics=self.statics(),
            object_stats=self.object_stats(),
        )
        self.agent.check_resources("game.agent", self.resource_names, stats)
        for name, group in self.groups.items():
            if group.agent is not None:
                group.agent.check_resources(f"game.groups.{name}.agent", self.resource_names, stats)
            check_names(
                f"game.groups.{name}.limits",
                group.limits,
                self.resource_names,
                what="resource",
                declared_in="game.resource_names",
            )
        check_stats("game.terminate_when", self.terminate_when, stats)
        self.actions.check_resources(self.resource_names)
        self.systems.check_resources(self.resource_names)
        self.actions.check_blocks([name for name, thing in self.objects.items() if isinstance(thing, BlockConfig)])
        agents = dict(zip(self.groups, self.agent_configs(), strict=True))
        kinds = {name: thing.type for name, thing in self.objects.items()}
        self.systems.check_game(self.num_agents, agents, kinds)
        for name, thing in self.objects.items():
            self._check_resource_uses(name, thing)
        for name, key in self.map.object_names().items():
            check_names(key, [name], self.objects, what="object", declared_in="game.objects")
            if isinstance(self.objects[name], PileConfig):
                raise ValueError(
                    f"{key} places {name!r}, a pile: piles come into being when agents die. Remove it from the map."
                )
        for name, key in self.map.group_names().items():
            check_names(key, [name], self.groups, what="group", declared_in="game.groups")
        return self

    @model_validator(mode="after")
    def _ids_are_unique(self) -> Self:
        for key, ids in (
            ("game.objects.{}.type_id", {name: thing.type_id for name, thing in self.objects.items()}),
            ("game.groups.{}.id", {name: group.id for name, group in self.groups.items()}),
        ):
            owners: dict[int, str] = {}
            for name, number in ids.items():
                if number in owners:
                    free = next(n for n in range(1, 256) if n not in ids.values())
                    raise ValueError(
                        f"{key.format(name)}={number} is taken by {owners[number]!r}: agents could not tell them "
                        f"apart. Give each its own, for example {free}."
                    )
                owners[number] = name
        return self

    @model_validator(mode="after")
    def _teams_fit(self) -> Self:
        placed = self.map.group_names()
        check_counts(self.groups, self.num_agents, placed)
        check_sharing(self.groups, self.reward_sharing, self.num_agents)
        check_goals(self.terminate_when)
        return self

    @model_validator(mode="after")
    def _map_fits(self) -> Self:
        for name in self.objects:
            if name in (EMPTY, AGENT) or name.startswith(f"{AGENT}."):
                raise ValueError(f"game.objects.{name}: the name {name!r} is reserved for map cells. Rename it.")
        self.map.check_agents(self.num_agents)
        return self

    def agent_configs(self) -> tuple[AgentConfig, ...]:
        """The config of each group's agents, in the order of the groups."""
        return tuple(group.agent or self.agent for group in self.groups.values())

    def statics(self) -> tuple[str, ...]:
        """Names of the objects that have no state."""
        return tuple(name for name, thing in self.objects.items() if isinstance(thing, WallConfig | BlockConfig))

    def object_stats(self) -> tuple[str, ...]:
        """Statistics about objects, in the engine's slot order."""
        return tuple(stat for name, thing in self.objects.items() for stat in thing.stats(name))

    def _check_resource_uses(self, name: str, thing: ObjectConfig) -> None:
        for table, amounts, verb in thing.resource_uses():
            where = f"game.objects.{name}.{table}"
            check_names(where, amounts, self.resource_names, what="resource", declared_in="game.resource_names")
            for resource, amount in amounts.items():
                if all(agent.limit_of(resource) == 0 for agent in self.agent_configs()):
                    raise ValueError(
                        f"{where}.{resource}={amount}, but agents can hold 0 of it, so nobody could ever {verb} it. "
                        f"Raise game.agent.resource_limits.{resource}."
                    )


class MettaGridConfig(Config):
    """A labelled game: everything that an environment needs apart from its seed.

    >>> MettaGridConfig(label="empty").game.max_steps
    1000
    """

    label: str = Field(default="mettagrid", min_length=1, description="name in statistics and specs")
    game: GameConfig = GameConfig()
