"""Regrowing commons: patches that agents share and can exhaust."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.mettagrid.config.kinds.base import ResourceUse, ThingConfig
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_TYPE_ID


class PlantConfig(ThingConfig):
    """A patch that is harvested by use and grows back with the help of its neighbours.

    A patch below ``max_stock`` gains a unit in a step with the chance ``growth[n]``, where n is the number of patches
    of its type with stock within ``radius``; the last chance holds for more. With ``growth[0] = 0`` a patch without
    such neighbours never grows back: who harvests everything ends the commons.

    >>> PlantConfig(resource="apple").growth
    (0.0, 0.0025, 0.005, 0.025)

    Source: Perolat et al., "A multi-agent reinforcement learning model of common-pool resource appropriation", 2017,
    section 3 (the default chances).
    """

    type: Literal["plant"] = "plant"
    type_id: int = Field(default=22, ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")
    resource: str = Field(description="what it yields")
    max_stock: int = Field(default=1, ge=1, le=MAX_AMOUNT, description="units that it bears at most")
    initial_stock: int = Field(default=1, ge=0, le=MAX_AMOUNT, description="units at the start")
    harvest: int = Field(default=1, ge=1, le=MAX_AMOUNT, description="units that one use takes at most")
    growth: tuple[float, ...] = Field(
        default=(0.0, 0.0025, 0.005, 0.025),
        min_length=1,
        max_length=256,
        description="chance of one more unit a step, by the number of neighbours with stock",
    )
    radius: int = Field(default=2, ge=0, le=7, description="how far neighbours may stand, straight-line distance")

    def resource_uses(self) -> Iterator[ResourceUse]:
        yield ResourceUse("resource", {self.resource: self.harvest}, "take")

    def stats(self, name: str) -> tuple[str, ...]:
        return (f"object.{name}.used",)

    @model_validator(mode="after")
    def _numbers_fit_together(self) -> Self:
        if self.initial_stock > self.max_stock:
            raise ValueError(
                f"initial_stock={self.initial_stock} exceeds max_stock={self.max_stock}. "
                "Raise max_stock, or start lower."
            )
        for chance in self.growth:
            if not 0.0 <= chance <= 1.0:
                raise ValueError(f"growth has {chance}, expected chances 0 .. 1. Change the entry.")
        return self
