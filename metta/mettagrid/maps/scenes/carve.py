"""Scenes that fill their area with walls and carve: mazes, rooms, caves, textures from a drawn sample."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.scenes.scene_base import SceneBase, SizeRange

_WALL = "what walls are made of"
Symmetry = Literal["none", "horizontal", "vertical", "all"]


class MazeScene(SceneBase):
    """A perfect maze: one way between any two rooms.

    >>> MazeScene(room_size=2).room_size
    (2, 2)
    """

    type: Literal["maze"] = "maze"
    algorithm: Literal["kruskal", "prim", "dfs"] = Field(
        default="kruskal", description="prim: short branches; dfs: long winding corridors"
    )
    room_size: SizeRange = Field(default=(1, 1), description="cells of a room's side, or the least and greatest")
    wall_size: SizeRange = Field(default=(1, 1), description="cells between rooms, or the least and greatest")
    object: str = Field(default="wall", description=_WALL)


class RadialMazeScene(SceneBase):
    """Straight arms from the middle at equal angles. Areas: ``center``, ``endpoint``, ``endpoint_<i>`` from north."""

    type: Literal["radial_maze"] = "radial_maze"
    arms: int = Field(default=4, ge=4, le=12)
    arm_width: int = Field(default=4, ge=1, le=MAX_SIDE)
    arm_length: int = Field(default=0, ge=0, le=MAX_SIDE, description="cells from the middle; 0: as long as fits")
    object: str = Field(default="wall", description=_WALL)


class BspScene(SceneBase):
    """Rooms in the parts of a binary space partition, joined by corridors. Areas: ``room``."""

    type: Literal["bsp"] = "bsp"
    rooms: int = Field(default=10, ge=1, le=4096, description="most rooms; fewer when the area is too small")
    min_room_size: int = Field(default=3, ge=1, le=MAX_SIDE, description="least cells of a room's side")
    min_room_size_ratio: float = Field(default=0.5, ge=0.01, le=1.0, description="a room's side over its part's side")
    max_room_size_ratio: float = Field(default=0.9, ge=0.01, le=1.0)
    skip_corridors: bool = False
    object: str = Field(default="wall", description=_WALL)


class CavesScene(SceneBase):
    """Random walls, smoothed by a cellular automaton over the eight neighbours."""

    type: Literal["caves"] = "caves"
    fill: float = Field(default=0.4, ge=0.0, le=1.0, description="share of walls at first")
    steps: int = Field(default=3, ge=0, le=100, description="rounds of smoothing")
    birth: int = Field(default=5, ge=0, le=9, description="walls around a free cell that make it a wall")
    death: int = Field(default=3, ge=0, le=9, description="with fewer walls around it a wall becomes free")
    object: str = Field(default="wall", description=_WALL)


class WfcScene(SceneBase):
    """A texture whose every small pattern stands in the sample (wave function collapse)."""

    type: Literal["wfc"] = "wfc"
    pattern: tuple[str, ...] = Field(min_length=1, max_length=MAX_SIDE, description="the sample, as a drawn map")
    legend: dict[str, str] = Field(default={}, description="character -> object or 'empty'")
    pattern_size: int = Field(default=3, ge=1, le=8)
    next_node_heuristic: Literal["entropy", "mrv", "scanline"] = Field(
        default="entropy", description="the cell to decide next: least entropy, fewest patterns left, in reading order"
    )
    periodic_input: bool = Field(default=True, description="the sample's patterns wrap around its edges")
    symmetry: Symmetry = Field(
        default="all", description="reflections (all: rotations too) that count as in the sample"
    )
    attempts: int = Field(default=1000, ge=1, le=1_000_000, description="tries before the map is given up")


class ConvchainScene(SceneBase):
    """A texture whose patterns are about as frequent as the sample's (Metropolis sampling)."""

    type: Literal["convchain"] = "convchain"
    pattern: tuple[str, ...] = Field(min_length=1, max_length=MAX_SIDE, description="the sample, as a drawn map")
    legend: dict[str, str] = Field(default={}, description="character -> object or 'empty'")
    pattern_size: int = Field(default=3, ge=1, le=8)
    iterations: int = Field(default=10, ge=0, le=1000, description="changes tried per cell")
    temperature: float = Field(default=1.0, ge=0.01, le=1000.0, description="the lower, the closer to the sample")
    periodic_input: bool = Field(default=True, description="the sample's patterns wrap around its edges")
    symmetry: Symmetry = Field(
        default="all", description="reflections (all: rotations too) that count as in the sample"
    )


# Children may be any scene: whoever imports one needs the union of all to be complete.
import metta.mettagrid.maps.scene_config  # noqa: E402, F401  # pyright: ignore[reportUnusedImport]
