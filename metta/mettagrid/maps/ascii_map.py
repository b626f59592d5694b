"""A drawn map: the same in every episode."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self, cast

from pydantic import Field, model_validator

from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.grid_files import grid_paths, legend_key, read_grid
from metta.mettagrid.maps.legend import DEFAULT_LEGEND, group_of
from metta.mettagrid.maps.map_base import MapBase


class AsciiMapConfig(MapBase):
    """A drawn map, in the config or in a file. Agent 0 is the first agent character in reading order.

    >>> AsciiMapConfig(rows=("###", "#@#", "###")).num_agents
    1
    """

    type: Literal["ascii"] = "ascii"
    rows: tuple[str, ...] = Field(min_length=1, max_length=MAX_SIDE, description="the map, from north to south")
    legend: dict[str, str] = Field(default={}, description="character -> object, 'empty', 'agent' or 'agent.<group>'")
    uri: str = Field(default="", description="file to read rows and legend from; what was read stays in the config")

    @classmethod
    def from_file(cls, path: str | Path, legend: Mapping[str, str] | None = None) -> Self:
        """The map of a text file, or of a numpy file of cell names. ``legend`` adds to the file's own.

        Raises:
            ConfigError: the file cannot be read.
            ConfigError: it draws no rectangle of explained characters.
        """
        return cls.model_validate({"uri": str(path), "legend": dict(legend or {})})

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

    def cells(self) -> dict[str, str]:
        names = self.cell_names()
        used = {names[char]: f"game.map.rows (character {char!r})" for row in self.rows for char in row}
        return used | {cell: legend_key(char, "game.map.rows") for char, cell in self.legend.items()}

    def check_agents(self, num_agents: int) -> None:
        if self.num_agents != num_agents:
            raise ValueError(
                f"game.map.rows draws {self.num_agents} agents, but game.num_agents={num_agents}. "
                f"Set game.num_agents={self.num_agents} or redraw the map."
            )

    def native(self) -> dict[str, Any]:
        return super().native() | {"legend": self.cell_names()}

    @model_validator(mode="before")
    @classmethod
    def _read_the_file(cls, data: object) -> object:
        if not isinstance(data, Mapping):
            return data
        values = dict(cast(Mapping[str, Any], data))
        if not values.get("uri") or values.get("rows"):
            return values
        paths = grid_paths(values["uri"])
        if len(paths) != 1:
            raise ValueError(f"map.uri={values['uri']!r} is a folder of {len(paths)} maps; name one, or use type=pool.")
        grid = read_grid(paths[0])
        return values | {"rows": grid.rows, "legend": grid.legend | dict(values.get("legend") or {})}

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
