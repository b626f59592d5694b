"""Things without a state: walls and blocks."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.mettagrid.config.kinds.base import ThingConfig
from metta.mettagrid.config.limits import MAX_TYPE_ID


class WallConfig(ThingConfig):
    """An obstacle."""

    type: Literal["wall"] = "wall"
    swappable: bool = Field(default=False, description="an agent may swap places with it; shown as a token")
    opaque: bool = Field(default=True, description="hides what is behind it, in games with line of sight")


class BlockConfig(ThingConfig):
    """A wall that agents may swap places with, place and pick up.

    >>> BlockConfig().type_id
    14
    """

    type: Literal["block"] = "block"
    type_id: int = Field(default=14, ge=1, le=MAX_TYPE_ID, description="value of the feature type_id; 0 is the agent")
    swappable: bool = Field(default=True, description="an agent may swap places with it; shown as a token")
    opaque: bool = Field(default=True, description="hides what is behind it, in games with line of sight")
