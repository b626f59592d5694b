"""Chests: resources kept for whoever comes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_unique
from metta.mettagrid.config.kinds.base import ResourceUse, ThingConfig
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_TYPE_ID

Position = Literal["NW", "N", "NE", "W", "E", "SW", "S", "SE"]
ALL_POSITIONS: tuple[Position, ...] = ("NW", "N", "NE", "W", "E", "SW", "S", "SE")
"""The cells around an object, in reading order, seen from the object."""


class GlyphTransferConfig(Config):
    """What an agent that shows ``glyph`` moves, instead of what its side says."""

    glyph: int = Field(ge=1, le=255)
    amounts: dict[str, int] = Field(
        min_length=1, description="resource -> units into the chest, or (negative) out of it, per use"
    )

    @model_validator(mode="after")
    def _moves_something(self) -> Self:
        for name, amount in self.amounts.items():
            if amount == 0 or abs(amount) > MAX_AMOUNT:
                raise ValueError(
                    f"amounts.{name}={amount}, expected 1 .. {MAX_AMOUNT}, negative to take out. Change or remove it."
                )
        return self


class ChestConfig(ThingConfig):
    """Takes and gives ``amount`` units a use, depending on where the agent stands.

    On a side that does both, a use puts in what it can, and takes out when nothing goes in. What does not fit stays
    where it is. ``put_items`` only puts in, ``get_items`` only takes out.

    >>> ChestConfig(resource="heart", deposit_positions=("W",), withdrawal_positions=("E",)).limit
    255
    """

    type: Literal["chest"] = "chest"
    type_id: int = Field(default=20, ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")
    resource: str = Field(description="what the sides move")
    deposit_positions: tuple[Position, ...] = Field(default=ALL_POSITIONS, description="where agents stand to put in")
    withdrawal_positions: tuple[Position, ...] = Field(
        default=ALL_POSITIONS, description="where agents stand to take out"
    )
    amount: int = Field(default=1, ge=1, le=MAX_AMOUNT, description="units that one use moves at most")
    initial: int = Field(default=0, ge=0, le=MAX_AMOUNT, description="units of the resource at the start")
    limit: int = Field(default=255, ge=1, le=MAX_AMOUNT, description="units of each resource that it can hold")
    glyph_transfers: tuple[GlyphTransferConfig, ...] = Field(
        default=(), max_length=255, description="what agents with a glyph move instead, the first match"
    )

    def resource_uses(self) -> Iterator[ResourceUse]:
        yield ResourceUse("resource", {self.resource: self.amount}, "bring")
        for i, entry in enumerate(self.glyph_transfers):
            amounts = {name: abs(amount) for name, amount in entry.amounts.items()}
            yield ResourceUse(f"glyph_transfers[{i}].amounts", amounts, "bring")

    def stats(self, name: str) -> tuple[str, ...]:
        return (f"object.{name}.used", f"object.{name}.deposited", f"object.{name}.withdrawn")

    @model_validator(mode="after")
    def _start_fits(self) -> Self:
        check_unique("deposit_positions", self.deposit_positions)
        check_unique("withdrawal_positions", self.withdrawal_positions)
        if self.initial > self.limit:
            raise ValueError(f"initial={self.initial} exceeds limit={self.limit}. Raise the limit, or start with less.")
        return self
