"""What every kind of object has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from pydantic import Field

from metta.common.config import Config
from metta.mettagrid.config.limits import MAX_TYPE_ID


class ResourceUse(NamedTuple):
    """One table of resources in an object's config, for the checks that need the whole game."""

    key: str
    """Below ``game.objects.<name>``."""
    amounts: Mapping[str, int]
    verb: Literal["bring", "take"]
    """What agents do with them: somebody must be able to hold some."""


class ThingConfig(Config):
    """Base of all object configs."""

    type_id: int = Field(ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")

    def resource_uses(self) -> Iterator[ResourceUse]:
        """The tables of resources that the kind has."""
        yield from ()

    def stats(self, name: str) -> tuple[str, ...]:
        """Statistics that the engine keeps for each agent about things called ``name``, in its slot order."""
        return ()
