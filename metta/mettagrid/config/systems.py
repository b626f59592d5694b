"""World systems that a game may switch on; each runs once a step, after the actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.agent import AgentConfig
from metta.mettagrid.config.checks import check_amounts, check_names, check_unique
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_SIDE, MAX_STEPS, MAX_TICKS

CLIPPABLE = ("converter", "assembler")
"""Kinds of objects with recipes: what a clipper may take hold of."""

MIN_RATE = 1e-6
"""A smaller probability or fraction of a unit would practically never come true."""


class ResourceLossConfig(Config):
    """Things get lost: of ``n`` units, ``floor(p n)`` a step, and one more with the probability of the fraction.

    >>> ResourceLossConfig(probability={"ore_red": 0.01}).tables()
    {'probability': {'ore_red': 0.01}}
    """

    probability: dict[str, float] = Field(min_length=1, description="resource -> share of the units held, per step")

    @model_validator(mode="after")
    def _probabilities(self) -> Self:
        check_amounts("systems.resource_loss.probability", self.probability, least=MIN_RATE, most=1)
        return self

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"probability": self.probability}


class RegenerationConfig(Config):
    """Agents gain resources as time passes, as far as their limits allow.

    >>> RegenerationConfig(amounts={"energy": 1}, interval=5).interval
    5
    """

    amounts: dict[str, int] = Field(min_length=1, description="resource -> units gained every interval")
    interval: int = Field(default=1, ge=1, le=MAX_TICKS, description="steps from one gain to the next")

    @model_validator(mode="after")
    def _amounts_fit(self) -> Self:
        check_amounts("systems.regeneration.amounts", self.amounts, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"amounts": self.amounts}


class UpkeepConfig(Config):
    """What it costs an agent to be there, each step. A fraction is paid with that probability.

    >>> UpkeepConfig(resources={"energy": 0.25}, on_shortage="freeze").on_shortage
    'freeze'
    """

    resources: dict[str, float] = Field(min_length=1, description="resource -> units paid per step")
    on_shortage: Literal["none", "freeze", "die"] = Field(
        default="none",
        description="what an agent bears that cannot pay in full, besides paying what it has: none; freeze: it is "
        "frozen for the next step; die: it dies by the rules of systems.health",
    )

    @model_validator(mode="after")
    def _prices_fit(self) -> Self:
        check_amounts("systems.upkeep.resources", self.resources, least=MIN_RATE, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"resources": self.resources}


class ClipperConfig(Config):
    """Something takes hold of converters and assemblers: a clipped one refuses every use until somebody pays.

    >>> ClipperConfig(period=50, unclipping_resources={"laser": 1}).cutoff
    3
    """

    objects: tuple[str, ...] = Field(default=(), description="what gets clipped; empty: all that have recipes")
    rate: float = Field(default=0.0, ge=0.0, le=1.0, description="probability per step of each object by itself")
    period: int = Field(
        default=0,
        ge=0,
        le=MAX_TICKS,
        description="one object every so many steps on average, spreading from neighbours",
    )
    length_scale: int = Field(
        default=0, ge=0, le=MAX_SIDE, description="cells of one unit of distance; 0: half of sqrt(area / objects)"
    )
    cutoff: int = Field(default=3, ge=0, le=15, description="units of distance that clipping can spread over")
    unclipping_resources: dict[str, int] = Field(
        min_length=1, description="resource -> units; whoever pays one of these entries frees the object"
    )

    @model_validator(mode="after")
    def _clips(self) -> Self:
        if (self.rate > 0) == (self.period > 0):
            raise ValueError(
                f"systems.clipper.rate={self.rate} and systems.clipper.period={self.period}, expected exactly one "
                "above 0: rate clips each object by itself, period lets clipping spread."
            )
        check_unique("systems.clipper.objects", self.objects)
        check_amounts("systems.clipper.unclipping_resources", self.unclipping_resources, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"unclipping_resources": self.unclipping_resources}


class HealthConfig(Config):
    """Hit points are a resource like any other, except that an agent without any dies at the step's end.

    They start as ``agent.initial_inventory``, are bounded by the limits, cannot be looted, and heal by whatever gives
    resources, for example ``systems.regeneration``.

    >>> HealthConfig(damage=2, respawn_ticks=None).resource
    'hp'
    """

    resource: str = Field(default="hp", description="the resource that counts hit points")
    damage: int = Field(default=1, ge=0, le=MAX_AMOUNT, description="hit points that an attack takes")
    freezes: bool = Field(default=False, description="whether an attack freezes and loots as well")
    on_death: Literal["lose", "keep", "drop"] = Field(
        default="lose",
        description="what becomes of all that is not soul-bound. lose: it is lost; keep: the agent keeps it; drop: it "
        "is left in a pile for others",
    )
    pile: str = Field(default="pile", description="object of type pile that on_death=drop leaves behind")
    respawn_ticks: int | None = Field(
        default=10, ge=1, le=MAX_TICKS, description="steps that an agent is away; none: it is gone for good"
    )
    respawn_at: Literal["start", "anywhere"] = Field(
        default="start", description="start: where it began, if that is free; anywhere: a random free cell"
    )
    restock: bool = Field(default=False, description="whether it comes back with all of its initial inventory")

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"resource": (self.resource,)}


class PopulationConfig(Config):
    """Agents that enter an episode late, or leave it early. Rows of agents that are away are terminated.

    >>> PopulationConfig(initial_agents=2, enter_rate=0.1, stay=50).enter_steps
    ()
    """

    initial_agents: int | None = Field(
        default=None, ge=0, description="agents of lower index are there from the start, the others wait; none: all"
    )
    enter_steps: tuple[int, ...] = Field(default=(), description="steps after which the first waiting agents enter")
    enter_rate: float = Field(
        default=0.0, ge=0.0, le=1.0, description="probability per step that the next of the other waiting agents enters"
    )
    leave_steps: tuple[int, ...] = Field(
        default=(), description="after each of these steps the agent leaves that entered first"
    )
    stay: int | None = Field(default=None, ge=1, le=MAX_STEPS, description="steps after which an agent leaves")
    goal: dict[str, int] = Field(default={}, description="resource -> units; whoever holds all of them leaves")

    @model_validator(mode="after")
    def _values_fit(self) -> Self:
        for key in ("enter_steps", "leave_steps"):
            for i, step in enumerate(getattr(self, key)):
                if not 1 <= step <= MAX_STEPS:
                    raise ValueError(
                        f"systems.population.{key}[{i}]={step}, expected a step 1 .. {MAX_STEPS}. Agents that are "
                        "there from the start count as systems.population.initial_agents."
                    )
        check_amounts("systems.population.goal", self.goal, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"goal": self.goal}

    def check_agents(self, num_agents: int) -> None:
        """Refuse a schedule that does not fit the number of agents.

        Raises:
            ValueError: more agents from the start than there are, too many entries, or agents that could never enter.
        """
        initial = num_agents if self.initial_agents is None else self.initial_agents
        if initial > num_agents:
            raise ValueError(
                f"game.systems.population.initial_agents={initial}, but game.num_agents={num_agents}. Lower it."
            )
        waiting = num_agents - initial
        if len(self.enter_steps) > waiting:
            raise ValueError(
                f"game.systems.population.enter_steps has {len(self.enter_steps)} entries, but {waiting} agents wait "
                f"to enter. Remove some, or lower game.systems.population.initial_agents."
            )
        if self.enter_rate > 0 and len(self.enter_steps) == waiting:
            raise ValueError(
                f"game.systems.population.enter_rate={self.enter_rate}, but no agent is left to enter by it. "
                "Lower game.systems.population.initial_agents."
            )
        if self.enter_rate == 0 and len(self.enter_steps) < waiting:
            raise ValueError(
                f"{waiting} agents wait to enter, but game.systems.population.enter_steps names "
                f"{len(self.enter_steps)}: the others never would. Add steps, or set enter_rate."
            )


class SystemsConfig(Config):
    """All world systems of a game, in the order in which they run. One that is not given is off and costs nothing.

    >>> SystemsConfig(upkeep=UpkeepConfig(resources={"energy": 1})).enabled()
    ('upkeep',)
    """

    resource_loss: ResourceLossConfig | None = None
    regeneration: RegenerationConfig | None = None
    upkeep: UpkeepConfig | None = None
    clipper: ClipperConfig | None = None
    health: HealthConfig | None = None
    population: PopulationConfig | None = None

    def enabled(self) -> tuple[str, ...]:
        """Names of the systems that are on."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)

    def check_game(self, num_agents: int, agents: Mapping[str, AgentConfig], kinds: Mapping[str, str]) -> None:
        """Refuse what does not fit the rest of the game: its agents by group, and its objects' names and kinds.

        Raises:
            ValueError: agents that would die at once or never enter, a goal beyond reach, nothing to clip.
        """
        if self.upkeep and self.upkeep.on_shortage == "die" and not self.health:
            raise ValueError(
                "game.systems.upkeep.on_shortage='die', but agents have no hit points. Set game.systems.health."
            )
        if self.health:
            for group, agent in agents.items():
                if not agent.initial_inventory.get(self.health.resource):
                    raise ValueError(
                        f"game.systems.health: agents of group {group!r} start without {self.health.resource!r} and "
                        f"would die at once. Set game.agent.initial_inventory.{self.health.resource}."
                    )
            if self.health.on_death == "drop":
                piles = [name for name, kind in kinds.items() if kind == "pile"]
                key = "game.systems.health.pile"
                check_names(key, [self.health.pile], piles, what="object of type pile", declared_in="game.objects")
        if self.clipper:
            clippable = [name for name, kind in kinds.items() if kind in CLIPPABLE]
            key = "game.systems.clipper.objects"
            check_names(key, self.clipper.objects, clippable, what="object with recipes", declared_in="game.objects")
        if self.population:
            self.population.check_agents(num_agents)
            for name, amount in self.population.goal.items():
                most = max(agent.limit_of(name) for agent in agents.values())
                if amount > most:
                    raise ValueError(
                        f"game.systems.population.goal.{name}={amount}, but agents hold at most {most}: nobody would "
                        f"ever leave by it. Raise game.agent.resource_limits.{name}."
                    )

    def check_resources(self, resource_names: tuple[str, ...]) -> None:
        """Refuse names that the game does not declare.

        Raises:
            ValueError: an unknown resource, with its key.
        """
        for system in self.enabled():
            tables: Mapping[str, Iterable[str]] = getattr(self, system).tables()
            for table, names in tables.items():
                key = f"game.systems.{system}.{table}"
                check_names(key, names, resource_names, what="resource", declared_in="game.resource_names")
