"""A map that scenes draw anew in each episode."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Any, Literal, Self

from pydantic import Field, model_validator

from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.map_base import MapBase
from metta.mettagrid.maps.scene_config import SceneConfig
from metta.mettagrid.maps.scenes.scatter import NopScene

Connectivity = Literal["none", "check", "repair"]
CONNECTIVITY = (
    "whether all agents must reach each other and every object; check: draw again until they do; repair: dig tunnels"
)


class SceneMapConfig(MapBase):
    """A tree of scenes. Several instances stand side by side in ceil(sqrt(instances)) rows, each drawn for itself.

    >>> SceneMapConfig(instance_width=30, instances=3, instance_border_width=2).width
    72
    """

    type: Literal["scene"] = "scene"
    instance_width: int = Field(default=20, ge=1, le=MAX_SIDE, description="cells of the scene, borders left out")
    instance_height: int = Field(default=20, ge=1, le=MAX_SIDE)
    scene: SceneConfig = NopScene()
    border_width: int = Field(
        default=5, ge=0, le=MAX_SIDE, description="cells of border around the map; half a window hides its edge"
    )
    border_object: str = Field(default="wall", description="object that borders are made of")
    instances: int = Field(default=1, ge=1, le=1024, description="copies of the scene, each drawn for itself")
    instance_border_width: int = Field(default=5, ge=0, le=MAX_SIDE, description="cells of border between instances")
    connectivity: Connectivity = Field(default="none", description=CONNECTIVITY)

    @property
    def rows(self) -> int:
        return ceil(sqrt(self.instances))

    @property
    def columns(self) -> int:
        return ceil(self.instances / self.rows)

    @property
    def width(self) -> int:
        """Cells of the whole map from west to east."""
        gaps = (self.columns - 1) * self.instance_border_width
        return 2 * self.border_width + self.columns * self.instance_width + gaps

    @property
    def height(self) -> int:
        """Cells of the whole map from north to south."""
        gaps = (self.rows - 1) * self.instance_border_width
        return 2 * self.border_width + self.rows * self.instance_height + gaps

    def cells(self) -> dict[str, str]:
        names = dict(self.scene.cells("game.map.scene"))
        return names | ({self.border_object: "game.map.border_object"} if self.border_width else {})

    def native(self) -> dict[str, Any]:
        return super().native() | {"scene": self.scene.native()}

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if max(self.width, self.height) > MAX_SIDE:
            raise ValueError(
                f"map.instances={self.instances} of {self.instance_width}x{self.instance_height} cells make a map of "
                f"{self.width}x{self.height}, expected at most {MAX_SIDE}x{MAX_SIDE}. Use fewer or smaller instances."
            )
        return self
