"""Scenes that put things on free cells or draw them as written."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.scenes.scene_base import Agents, SceneBase


class NopScene(SceneBase):
    """Draws nothing: a place for children."""

    type: Literal["nop"] = "nop"


class FillScene(SceneBase):
    """Fills its area with one static object."""

    type: Literal["fill"] = "fill"
    object: str = Field(default="wall", description="what to fill with")


class RandomScene(SceneBase):
    """Agents and objects on free cells, each free cell equally likely.

    >>> RandomScene(agents=2, objects={"altar": 3}).agents
    {'agent': 2}
    """

    type: Literal["random"] = "random"
    objects: dict[str, int] = Field(default={}, description="object -> how many")
    agents: Agents = Field(default={}, description="how many, or group -> how many; placed before objects")
    too_many_is_ok: bool = Field(default=True, description="leave out what finds no free cell, instead of failing")


class RandomObjectsScene(SceneBase):
    """Objects in numbers that scale with the area."""

    type: Literal["random_objects"] = "random_objects"
    object_ranges: dict[str, tuple[float, float]] = Field(
        default={}, description="object -> least and greatest share of the area's cells"
    )


class MeanDistanceScene(SceneBase):
    """One thing in the middle, objects around it at Manhattan distances that are Poisson with a given mean."""

    type: Literal["mean_distance"] = "mean_distance"
    mean_distance: float = Field(default=10.0, ge=1.0, le=MAX_SIDE)
    objects: dict[str, int] = Field(default={}, description="object -> how many")
    center: str = Field(default="agent", description="what stands in the middle")


class AsciiScene(SceneBase):
    """A drawing within the area; it covers what was there.

    >>> AsciiScene(rows=("#@#",)).row
    0
    """

    type: Literal["ascii"] = "ascii"
    rows: tuple[str, ...] = Field(min_length=1, max_length=MAX_SIDE, description="the drawing, from north to south")
    legend: dict[str, str] = Field(default={}, description="character -> object, 'empty', 'agent' or 'agent.<group>'")
    row: int = Field(default=0, ge=0, lt=MAX_SIDE, description="row of the drawing's top left corner in the area")
    column: int = Field(default=0, ge=0, lt=MAX_SIDE)


class TerrainScene(SceneBase):
    """A field of obstacles that never touch: blobs, crosses, little labyrinths, single walls; at most 30 % covered."""

    type: Literal["terrain"] = "terrain"
    style: Literal["sparse", "balanced", "dense", "maze"] = "balanced"
    object: str = Field(default="wall", description="what obstacles are made of")


class RemoveAgentsScene(SceneBase):
    """Takes all agents of the area away."""

    type: Literal["remove_agents"] = "remove_agents"


# Children may be any scene: whoever imports one needs the union of all to be complete.
import metta.mettagrid.maps.scene_config  # noqa: E402, F401  # pyright: ignore[reportUnusedImport]
