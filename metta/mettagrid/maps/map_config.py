"""The three map builders. All of them run natively at every reset, from (seed, environment, episode)."""

from __future__ import annotations

from math import ceil, sqrt
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.mettagrid.config.checks import check_amounts
from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.legend import DEFAULT_LEGEND, EMPTY, group_of

_MANY = MAX_SIDE * MAX_SIDE


class RandomMapConfig(Config):
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

    def object_names(self) -> dict[str, str]:
        """Object names in use -> the key that names them."""
        names = dict.fromkeys(self.objects, "game.map.objects")
        return names | ({self.border_object: "game.map.border_object"} if self.border_width else {})

    def check_agents(self, num_agents: int) -> None:
        """Refuse more agents and objects than free cells.

        Raises:
            ValueError: they do not fit.
        """
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


class AsciiMapConfig(Config):
    """A drawn map: the same in every episode.

    Agent 0 is the first agent character in reading order.

    >>> AsciiMapConfig(rows=("###", "#@#", "###")).num_agents
    1
    """

    type: Literal["ascii"] = "ascii"
    rows: tuple[str, ...] = Field(min_length=1, max_length=MAX_SIDE, description="the map, from north to south")
    legend: dict[str, str] = Field(default={}, description="character -> object, 'empty', 'agent' or 'agent.<group>'")

    @property
    def width(self) -> int:
        return len(self.rows[0])

    @property
    def height(self) -> int:
        return len(self.rows)

    def cell_names(self) -> dict[str, str]:
        """Character -> cell, the default legend included."""
        return DEFAULT_LEGEND | self.legend

    @property
    def num_agents(self) -> int:
        names = self.cell_names()
        return sum(group_of(names[char]) is not None for row in self.rows for char in row)

    def object_names(self) -> dict[str, str]:
        """Object names in use -> the key that names them."""
        names = self.cell_names()
        used = {names[char]: f"game.map.rows (character {char!r})" for row in self.rows for char in row}
        used |= {cell: f"game.map.legend.{char}" for char, cell in self.legend.items()}
        return {cell: key for cell, key in used.items() if cell != EMPTY and group_of(cell) is None}

    def group_names(self) -> dict[str, str]:
        """Agent groups that the legend names -> the key that names them."""
        return {group: f"game.map.legend.{char}" for char, cell in self.legend.items() if (group := group_of(cell))}

    def check_agents(self, num_agents: int) -> None:
        """Refuse a map that starts another number of agents.

        Raises:
            ValueError: the counts differ.
        """
        if self.num_agents != num_agents:
            raise ValueError(
                f"game.map.rows draws {self.num_agents} agents, but game.num_agents={num_agents}. "
                f"Set game.num_agents={self.num_agents} or redraw the map."
            )

    @model_validator(mode="after")
    def _is_a_rectangle_of_known_characters(self) -> Self:
        if not 1 <= self.width <= MAX_SIDE:
            raise ValueError(f"map.rows has rows of {self.width} characters, expected 1 .. {MAX_SIDE}.")
        for char in self.legend:
            if len(char) != 1:
                raise ValueError(f"map.legend has the key {char!r}, expected one character.")
        names = self.cell_names()
        for r, row in enumerate(self.rows):
            if len(row) != self.width:
                raise ValueError(
                    f"map.rows[{r}] has {len(row)} characters, expected {self.width} as in the first row. "
                    "Fill the row up with '.'."
                )
            for c, char in enumerate(row):
                if char not in names:
                    raise ValueError(
                        f"map.rows[{r}] has {char!r} at column {c}, which no legend explains; known: "
                        f"{' '.join(sorted(names))}. Add it to map.legend, for example {{{char!r}: 'wall'}}."
                    )
        return self


class RoomsMapConfig(Config):
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

    def object_names(self) -> dict[str, str]:
        """Object names in use -> the key that names them."""
        names = dict.fromkeys(self.objects, "game.map.objects")
        filled = self.border_width or self.room_border_width or self.rooms % self.columns
        return names | ({self.border_object: "game.map.border_object"} if filled else {})

    def check_agents(self, num_agents: int) -> None:
        """Refuse rooms too small for their share of agents and objects.

        Raises:
            ValueError: they do not fit.
        """
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


MapConfig = Annotated[RandomMapConfig | AsciiMapConfig | RoomsMapConfig, Field(discriminator="type")]
