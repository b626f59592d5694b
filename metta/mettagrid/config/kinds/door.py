"""Doors and keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Self

from pydantic import Field, model_validator

from metta.mettagrid.config.checks import check_amounts
from metta.mettagrid.config.kinds.base import ResourceUse, ThingConfig
from metta.mettagrid.config.limits import MAX_AMOUNT, MAX_TICKS, MAX_TYPE_ID


class DoorConfig(ThingConfig):
    """In the way until somebody brings the key; then agents walk through it.

    Using a closed door opens it for the next step. It closes ``open_ticks`` steps later, or as soon after that as
    nobody stands in it.

    >>> DoorConfig(key_resources={"key": 1}, open_ticks=5).consumes_key
    True
    """

    type: Literal["door"] = "door"
    type_id: int = Field(default=21, ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")
    key_resources: dict[str, int] = Field(default={}, description="resource -> units to hold; none: anybody opens it")
    consumes_key: bool = Field(default=True, description="whether opening it uses the key up")
    open_ticks: int = Field(default=0, ge=0, le=MAX_TICKS, description="steps of passage; 0: it stays open")
    starts_open: bool = Field(default=False, description="whether it is open when an episode begins")
    opaque: bool = Field(default=True, description="closed, it hides what is behind it, in games with line of sight")

    def resource_uses(self) -> Iterator[ResourceUse]:
        yield ResourceUse("key_resources", self.key_resources, "bring")

    def stats(self, name: str) -> tuple[str, ...]:
        return (f"object.{name}.used",)

    @model_validator(mode="after")
    def _key_is_possible(self) -> Self:
        check_amounts("key_resources", self.key_resources, most=MAX_AMOUNT)
        return self
