"""Piles: what agents that die leave behind."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.mettagrid.config.kinds.base import ThingConfig
from metta.mettagrid.config.limits import MAX_AGENTS, MAX_TYPE_ID


class PileConfig(ThingConfig):
    """What ``systems.health.on_death="drop"`` leaves behind: a use or ``get_items`` takes what there is room for.

    No map places piles; they vanish when they are empty.

    >>> PileConfig(capacity=2).type_id
    24
    """

    type: Literal["pile"] = "pile"
    type_id: int = Field(default=24, ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")
    capacity: int | None = Field(
        default=None,
        ge=1,
        le=MAX_AGENTS,
        description="piles that can lie around at a time; none: as many as there are agents",
    )

    def stats(self, name: str) -> tuple[str, ...]:
        return (f"object.{name}.used", f"object.{name}.dropped", f"object.{name}.lost")
