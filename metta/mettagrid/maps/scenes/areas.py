"""Scenes that divide their area or draw other scenes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.scenes.scene_base import SceneBase

if TYPE_CHECKING:
    from metta.mettagrid.maps.scene_config import SceneConfig

Placement = Literal["north_west", "north", "north_east", "west", "center", "east", "south_west", "south", "south_east"]


class BspLayoutScene(SceneBase):
    """Divides its area without drawing. Areas: ``zone``, ``zone_<i>``."""

    type: Literal["bsp_layout"] = "bsp_layout"
    area_count: int = Field(default=4, ge=1, le=4096)


class RoomGridScene(SceneBase):
    """Rooms in rows and columns with walls between them. Areas: ``room``, ``room_<row>_<column>``, a layout's tags.

    >>> RoomGridScene(layout=(("spawn", "mine"),)).border_width
    5
    """

    type: Literal["room_grid"] = "room_grid"
    rows: int = Field(default=0, ge=0, le=MAX_SIDE, description="rows of rooms; 0: those of the layout")
    columns: int = Field(default=0, ge=0, le=MAX_SIDE)
    layout: tuple[tuple[str, ...], ...] = Field(default=(), description="a tag per room, instead of rows and columns")
    border_width: int = Field(default=5, ge=0, le=MAX_SIDE, description="cells of wall between rooms")
    border_object: str = "wall"

    @model_validator(mode="after")
    def _has_rooms(self) -> Self:
        if bool(self.layout) == (self.rows > 0 and self.columns > 0):
            raise ValueError(
                f"room_grid has rows={self.rows}, columns={self.columns} and a layout of {len(self.layout)} rows; "
                "expected either rows and columns, or a layout. Set rows=2 and columns=2, for example."
            )
        return self


class LayoutAreaConfig(Config):
    """A named rectangle of a layout."""

    width: int = Field(default=1, ge=1, le=MAX_SIDE)
    height: int = Field(default=1, ge=1, le=MAX_SIDE)
    placement: Placement = "center"
    tag: str = Field(min_length=1, description="what children ask for")


class LayoutScene(SceneBase):
    """Named areas at the edges, in the corners or in the middle; they may not overlap. Draws nothing itself."""

    type: Literal["layout"] = "layout"
    areas: tuple[LayoutAreaConfig, ...] = ()


class MirrorScene(SceneBase):
    """Draws a scene on a half (x4: a quarter) of the area and reflects it onto the rest.

    >>> from metta.mettagrid.maps.scenes.carve import CavesScene
    >>> MirrorScene(scene=CavesScene()).symmetry
    'horizontal'
    """

    type: Literal["mirror"] = "mirror"
    scene: SceneConfig
    symmetry: Literal["horizontal", "vertical", "x4"] = Field(
        default="horizontal", description="horizontal: left and right are alike; vertical: top and bottom; x4: both"
    )

    def cells(self, key: str) -> Iterator[tuple[str, str]]:
        yield from self.scene.cells(f"{key}.scene")
        yield from super().cells(key)

    def native(self) -> dict[str, Any]:
        return super().native() | {"scene": self.scene.native()}


class CandidateConfig(Config):
    """A scene and how often it is drawn, relative to the others."""

    scene: SceneConfig
    weight: float = Field(default=1.0, ge=0.0, le=1e9)


class RandomChoiceScene(SceneBase):
    """One of several scenes, chosen anew for each drawing."""

    type: Literal["random_scene"] = "random_scene"
    candidates: tuple[CandidateConfig, ...] = ()

    def cells(self, key: str) -> Iterator[tuple[str, str]]:
        for i, candidate in enumerate(self.candidates):
            yield from candidate.scene.cells(f"{key}.candidates[{i}].scene")
        yield from super().cells(key)

    def native(self) -> dict[str, Any]:
        candidates = [{"scene": one.scene.native(), "weight": one.weight} for one in self.candidates]
        return super().native() | {"candidates": candidates}


class MakeConnectedScene(SceneBase):
    """Digs the shortest tunnels through walls until all free cells of the area are one region."""

    type: Literal["make_connected"] = "make_connected"


# Children may be any scene: whoever imports one needs the union of all to be complete.
import metta.mettagrid.maps.scene_config  # noqa: E402, F401  # pyright: ignore[reportUnusedImport]
