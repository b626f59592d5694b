"""Which actions exist and what they cost."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts, check_names
from metta.mettagrid.config.limits import MAX_AMOUNT

MOVES = ("move_north", "move_south", "move_west", "move_east")
"""Flat names of ``move``, in the order of the orientations 0 .. 3."""
ATTACKS = tuple(f"attack_{cell}" for cell in range(9))
"""Flat names of ``attack``: the cells of the 3x3 ahead, nearest row last (``docs/mettagrid.md``)."""


class NoopConfig(Config):
    """Do nothing. Always there, always allowed, always succeeds."""


class MoveConfig(Config):
    """Step into an empty cell, or use the object there."""

    enabled: bool = True
    required_resources: dict[str, int] = Field(default={}, description="resource -> units that must be held")
    consumed_resources: dict[str, int] = Field(default={}, description="resource -> units paid on success")

    @model_validator(mode="after")
    def _amounts_fit(self) -> Self:
        check_amounts("actions.move.required_resources", self.required_resources, most=MAX_AMOUNT)
        check_amounts("actions.move.consumed_resources", self.consumed_resources, most=MAX_AMOUNT)
        return self


class AttackConfig(Config):
    """Freeze and loot an agent in the 3x3 ahead, unless it pays ``defense_resources``.

    An action needs whichever is more of ``required_resources`` and ``consumed_resources``. A cost above an agent's
    limit is allowed: it switches attacks off while the action space stays the same.
    """

    enabled: bool = False
    required_resources: dict[str, int] = Field(default={}, description="resource -> units that must be held")
    consumed_resources: dict[str, int] = Field(default={}, description="resource -> units paid on success")
    defense_resources: dict[str, int] = Field(
        default={}, description="resource -> units that the target pays to block; empty: never blocked"
    )

    @model_validator(mode="after")
    def _amounts_fit(self) -> Self:
        check_amounts("actions.attack.required_resources", self.required_resources, most=MAX_AMOUNT)
        check_amounts("actions.attack.consumed_resources", self.consumed_resources, most=MAX_AMOUNT)
        check_amounts("actions.attack.defense_resources", self.defense_resources, most=MAX_AMOUNT)
        return self


class ActionsConfig(Config):
    """The actions of a game.

    >>> ActionsConfig().names()
    ('noop', 'move_north', 'move_south', 'move_west', 'move_east')
    """

    noop: NoopConfig = NoopConfig()
    move: MoveConfig = MoveConfig()
    attack: AttackConfig = AttackConfig()

    def names(self) -> tuple[str, ...]:
        """Flat action names; their positions are the action indices."""
        moves = MOVES if self.move.enabled else ()
        attacks = ATTACKS if self.attack.enabled else ()
        return ("noop", *moves, *attacks)

    def check_resources(self, resource_names: tuple[str, ...]) -> None:
        """Refuse names that the game does not declare.

        Raises:
            ValueError: an unknown resource, with its key. Ignoring it would make the action free.
        """
        tables = {
            "move.required_resources": self.move.required_resources,
            "move.consumed_resources": self.move.consumed_resources,
            "attack.required_resources": self.attack.required_resources,
            "attack.consumed_resources": self.attack.consumed_resources,
            "attack.defense_resources": self.attack.defense_resources,
        }
        for key, amounts in tables.items():
            check_names(
                f"game.actions.{key}", amounts, resource_names, what="resource", declared_in="game.resource_names"
            )
