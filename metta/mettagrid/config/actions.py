"""Which actions exist and what they cost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts, check_names
from metta.mettagrid.config.limits import MAX_AMOUNT

ORIENTATIONS = ("north", "south", "west", "east", "northwest", "northeast", "southwest", "southeast")
"""The values of the feature ``agent:orientation``; the first four are the cardinals."""
ATTACKS = tuple(f"attack_{cell}" for cell in range(9))
"""Flat names of ``attack``: the cells of the 3x3 ahead, nearest row last (``docs/mettagrid.md``)."""


MIN_PRICE = 1e-6
"""A smaller fraction of a unit would practically never be paid."""


class NoopConfig(Config):
    """Do nothing. Always there, always allowed, always succeeds."""


class ActionConfig(Config):
    """What every action can ask for.

    An action needs whichever is more of ``required_resources`` and ``consumed_resources`` (rounded up). A fraction is
    paid with that probability: 1.25 costs 1 unit, and a second one in a quarter of the cases. A cost above an agent's
    limit is allowed: it switches the action off while the action space stays the same.
    """

    enabled: bool = False
    required_resources: dict[str, int] = Field(default={}, description="resource -> units that must be held")
    consumed_resources: dict[str, float] = Field(
        default={}, description="resource -> units paid on success; a fraction is paid with that probability"
    )

    @model_validator(mode="after")
    def _amounts_fit(self) -> Self:
        for key, amounts in self.tables().items():
            check_amounts(key, amounts, least=MIN_PRICE if key == "consumed_resources" else 1, most=MAX_AMOUNT)
        return self

    def tables(self) -> dict[str, Mapping[str, float]]:
        """Every mapping from resources to amounts, by its key."""
        return {"required_resources": self.required_resources, "consumed_resources": self.consumed_resources}


class MoveConfig(ActionConfig):
    """Step into an empty cell. A blocked diagonal slides to its clockwise, then its counter-clockwise neighbour."""

    enabled: bool = True
    directions: Literal[4, 8] = Field(default=4, description="4: north, south, west, east; 8: the diagonals too")
    uses_objects: bool = Field(default=True, description="whether moving into an object uses it")


class RotateConfig(ActionConfig):
    """Turn on the spot: always succeeds."""

    directions: Literal[4, 8] = Field(default=4, description="4: north, south, west, east; 8: the diagonals too")


class PutItemsConfig(ActionConfig):
    """Put into the object ahead what it lacks."""


class GetItemsConfig(ActionConfig):
    """Take from the object ahead what it offers, up to the agent's limits."""


class AttackConfig(ActionConfig):
    """Freeze and loot an agent in the 3x3 ahead, unless it pays ``defense_resources``."""

    defense_resources: dict[str, int] = Field(
        default={}, description="resource -> units that the target pays to block; empty: never blocked"
    )

    def tables(self) -> dict[str, Mapping[str, float]]:
        return {**super().tables(), "defense_resources": self.defense_resources}


class ActionsConfig(Config):
    """The actions of a game.

    >>> ActionsConfig().names()
    ('noop', 'move_north', 'move_south', 'move_west', 'move_east')
    """

    noop: NoopConfig = NoopConfig()
    move: MoveConfig = MoveConfig()
    rotate: RotateConfig = RotateConfig()
    put_items: PutItemsConfig = PutItemsConfig()
    get_items: GetItemsConfig = GetItemsConfig()
    attack: AttackConfig = AttackConfig()

    def families(self) -> dict[str, tuple[str, ...]]:
        """The families that a game has, in the engine's order, each with the names of its flat actions.

        >>> ActionsConfig().families()["move"]
        ('move_north', 'move_south', 'move_west', 'move_east')
        """
        every = {
            "noop": ("noop",),
            "move": _directed("move", self.move.directions),
            "rotate": _directed("rotate", self.rotate.directions),
            "put_items": ("put_items",),
            "get_items": ("get_items",),
            "attack": ATTACKS,
        }
        return {family: names for family, names in every.items() if self._has(family)}

    def names(self) -> tuple[str, ...]:
        """Flat action names; their positions are the action indices."""
        return tuple(name for variants in self.families().values() for name in variants)

    def num_orientations(self) -> int:
        """How many orientations an agent can take: 8 when some enabled action knows the diagonals."""
        return max(family.directions if family.enabled else 4 for family in (self.move, self.rotate))

    def _has(self, family: str) -> bool:
        config = getattr(self, family)
        return not isinstance(config, ActionConfig) or config.enabled

    def check_resources(self, resource_names: tuple[str, ...]) -> None:
        """Refuse names that the game does not declare.

        Raises:
            ValueError: an unknown resource, with its key. Ignoring it would make the action free.
        """
        for family in type(self).model_fields:
            config = getattr(self, family)
            if not isinstance(config, ActionConfig):
                continue
            for table, amounts in config.tables().items():
                key = f"game.actions.{family}.{table}"
                check_names(key, amounts, resource_names, what="resource", declared_in="game.resource_names")


def _directed(family: str, directions: int) -> tuple[str, ...]:
    return tuple(f"{family}_{orientation}" for orientation in ORIENTATIONS[:directions])
