"""World systems that a game may switch on; each runs once a step, after the actions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts, check_names
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_TICKS

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
    on_shortage: Literal["none", "freeze"] = Field(
        default="none",
        description="what an agent bears that cannot pay in full, besides paying what it has: none; freeze: it is "
        "frozen for the next step",
    )

    @model_validator(mode="after")
    def _prices_fit(self) -> Self:
        check_amounts("systems.upkeep.resources", self.resources, least=MIN_RATE, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Iterable[str]]:
        """Every collection of resources, by its key."""
        return {"resources": self.resources}


class SystemsConfig(Config):
    """All world systems of a game, in the order in which they run. One that is not given is off and costs nothing.

    >>> SystemsConfig(upkeep=UpkeepConfig(resources={"energy": 1})).enabled()
    ('upkeep',)
    """

    resource_loss: ResourceLossConfig | None = None
    regeneration: RegenerationConfig | None = None
    upkeep: UpkeepConfig | None = None

    def enabled(self) -> tuple[str, ...]:
        """Names of the systems that are on."""
        return tuple(name for name in type(self).model_fields if getattr(self, name) is not None)

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
