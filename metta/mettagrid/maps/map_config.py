"""Kinds of maps. All of them are drawn natively at every reset, from (seed, environment, episode)."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from metta.mettagrid.config.checks import check_amounts
from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.ascii_map import AsciiMapConfig
from metta.mettagrid.maps.map_base import MapBase
from metta.mettagrid.maps.pool_map import PoolMapConfig
from metta.mettagrid.maps.scene_map import SceneMapConfig

_MANY = MAX_SIDE * MAX_SIDE


class RandomMapConfig(MapBase):
    """A bordered rectangle with agents and objects scattered over its inside.

    >>> RandomMapConfig(width=12, height=10, border_width=1).inside
    80
    """

    type: Literal["random"] = "random"
    width: int = Field(default=20, ge=1, le=MAX_SIDE, description="cells from west to east, border included")
    height: int = Field(default=20, ge=1, le=MAX_SIDE, description="cells from north to south, border included")
    border_width: int = Field(default=1, ge=0, le=MAX_SIDE, description="cells of border on each side")
    border_object: str = Field(default="wall", description="object that the border is made of")
    objects: dict[str, int] = Field(default={}, description="object -> how many")

    @property
    def inside(self) -> int:
        """Cells within the border."""
        return (self.width - 2 * self.border_width) * (self.height - 2 * self.border_width)

    def cells(self) -> dict[str, str]:
        names = dict.fromkeys(self.objects, "game.map.objects")
        return names | ({self.border_object: "game.map.border_object"} if self.border_width else {})

    def check_agents(self, num_agents: int) -> None:
        placed = sum(self.objects.values())
        if placed + num_agents > self.inside:
            raise ValueError(
                f"game.map holds {num_agents} agents and {placed} objects, but a {self.width}x{self.height} map with "
                f"border_width={self.border_width} has {self.inside} free cells. Enlarge game.map.width or height, or "
                "lower game.num_agents or game.map.objects."
            )

    @model_validator(mode="after")
    def _has_an_inside(self) -> Self:
        check_amounts("map.objects", self.objects, least=0, most=_MANY)
        if 2 * self.border_width >= min(self.width, self.height):
            raise ValueError(
                f"map.border_width={self.border_width} leaves nothing of a {self.width}x{self.height} map; expected "
                f"at most {(min(self.width, self.height) - 1) // 2}. Lower it or enlarge map.width and map.height."
            )
        return self


class RoomsMapConfig(MapBase):
    """Equal rooms side by side in ceil(sqrt(rooms)) columns, agents spread evenly; the first rooms get the remainder.

    Each room scatters its own objects and agents.

    >>> RoomsMapConfig(rooms=4).width
    62
    """

    type: Literal["rooms"] = "rooms"
    rooms: int = Field(ge=1, le=MAX_SIDE, description="number of rooms")
    room_width: int = Field(default=25, ge=1, le=MAX_SIDE, description="cells of one room from west to east")
    room_height: int = Field(default=25, ge=1, le=MAX_SIDE, description="cells of one room from north to south")
    border_width: int = Field(default=6, ge=0, le=MAX_SIDE, description="cells of border around all rooms")
    border_object: str = Field(default="wall", description="object that borders and unused rooms are made of")
    room_border_width: int = Field(default=0, ge=0, le=MAX_SIDE, description="cells of border within each room's edge")
    objects: dict[str, int] = Field(default={}, description="object -> how many in each room")

    @property
    def columns(self) -> int:
        return ceil(sqrt(self.rooms))

    @property
    def width(self) -> int:
        return 2 * self.border_width + self.columns * self.room_width

    @property
    def height(self) -> int:
        return 2 * self.border_width + ceil(self.rooms / self.columns) * self.room_height

    @property
    def inside(self) -> int:
        """Cells of one room within its border."""
        return (self.room_width - 2 * self.room_border_width) * (self.room_height - 2 * self.room_border_width)

    def cells(self) -> dict[str, str]:
        names = dict.fromkeys(self.objects, "game.map.objects")
        filled = self.border_width or self.room_border_width or self.rooms % self.columns
        return names | ({self.border_object: "game.map.border_object"} if filled else {})

    def check_agents(self, num_agents: int) -> None:
        placed, share = sum(self.objects.values()), ceil(num_agents / self.rooms)
        if placed + share > self.inside:
            raise ValueError(
                f"game.map puts {share} agents and {placed} objects in a room of {self.room_width}x{self.room_height} "
                f"with room_border_width={self.room_border_width}, which has {self.inside} free cells. Enlarge "
                "game.map.room_width or room_height, add game.map.rooms, or lower game.num_agents or game.map.objects."
            )

    @model_validator(mode="after")
    def _fits(self) -> Self:
        check_amounts("map.objects", self.objects, least=0, most=_MANY)
        if 2 * self.room_border_width >= min(self.room_width, self.room_height):
            raise ValueError(
                f"map.room_border_width={self.room_border_width} leaves nothing of a room of "
                f"{self.room_width}x{self.room_height}. Lower it or enlarge map.room_width and map.room_height."
            )
        if max(self.width, self.height) > MAX_SIDE:
            raise ValueError(
                f"map.rooms={self.rooms} rooms of {self.room_width}x{self.room_height} make a map of "
                f"{self.width}x{self.height}, expected at most {MAX_SIDE}x{MAX_SIDE}. Use fewer or smaller rooms."
            )
        return self


MapConfig = Annotated[
    RandomMapConfig | AsciiMapConfig | RoomsMapConfig | SceneMapConfig | PoolMapConfig, Field(discriminator="type")
]
