"""A map that is picked from ready grids in each episode; agents and objects are then scattered over it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from pydantic import Field, model_validator

from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.grid_files import Grid, grid_paths, legend_key, merge_grids, read_grid
from metta.mettagrid.maps.legend import DEFAULT_LEGEND
from metta.mettagrid.maps.map_base import MapBase
from metta.mettagrid.maps.scene_map import CONNECTIVITY, Connectivity
from metta.mettagrid.maps.scenes.scene_base import Agents


class PoolMapConfig(MapBase):
    """Ready grids, drawn in the config, read from files, or filled by a Python scene (``python_scene.draw_pool``).

    Smaller grids stand in the middle of the map, with the border object around them.

    >>> PoolMapConfig(grids=(("...", ".#."), ("....",)), agents=2).width
    4
    """

    type: Literal["pool"] = "pool"
    width: int = Field(default=0, ge=0, le=MAX_SIDE, description="cells from west to east; 0: of the widest grid")
    height: int = Field(default=0, ge=0, le=MAX_SIDE)
    grids: tuple[tuple[str, ...], ...] = Field(default=(), description="drawn grids")
    uris: tuple[str, ...] = Field(default=(), description="files or folders of .npy, .map or .txt grids")
    legend: dict[str, str] = Field(default={}, description="character -> object, 'empty', 'agent' or 'agent.<group>'")
    border_object: str = Field(default="wall", description="what stands around a smaller grid")
    agents: Agents = Field(default={}, description="how many, or group -> how many, on free cells")
    objects: dict[str, int] = Field(default={}, description="object -> how many, on free cells")
    connectivity: Connectivity = Field(default="none", description=CONNECTIVITY)

    def cells(self) -> dict[str, str]:
        known = DEFAULT_LEGEND | self.legend
        drawn = sorted({char for rows in self.grids for row in rows for char in row})
        names = {known[char]: f"game.map.grids (character {char!r})" for char in drawn}
        names |= {self.border_object: "game.map.border_object"}
        names |= {cell: legend_key(char, "game.map.grids") for char, cell in self.legend.items()}
        names |= dict.fromkeys(self.objects, "game.map.objects")
        return names | dict.fromkeys(self.agents, "game.map.agents")

    def native(self) -> dict[str, Any]:
        """The files' grids stand beside those of the config, under one legend.

        Raises:
            ConfigError: a file that cannot be read.
        """
        grids = [Grid(rows, {}) for rows in self.grids]
        grids += [read_grid(path) for uri in self.uris for path in grid_paths(uri)]
        drawings, legend = merge_grids(grids, self.legend)
        return super().native() | {"grids": drawings, "uris": (), "legend": legend}

    @model_validator(mode="before")
    @classmethod
    def _measure(cls, data: object) -> object:
        """The size of the largest grid, unless the config has one: windows and pictures need it before any episode."""
        if not isinstance(data, Mapping):
            return data
        values = dict(cast(Mapping[str, Any], data))
        if values.get("width") and values.get("height"):
            return values
        drawn = [tuple(rows) for rows in cast(list[list[str]], values.get("grids") or ())]
        drawn += [read_grid(path).rows for uri in values.get("uris") or () for path in grid_paths(uri)]
        if not drawn:
            raise ValueError("map.grids and map.uris are empty: a pool needs at least one grid. Set one of them.")
        width, height = max(len(row) for rows in drawn for row in rows), max(map(len, drawn))
        return values | {"width": values.get("width") or width, "height": values.get("height") or height}

    @model_validator(mode="after")
    def _characters_are_known(self) -> PoolMapConfig:
        names = DEFAULT_LEGEND | self.legend
        for g, rows in enumerate(self.grids):
            for r, row in enumerate(rows):
                if unknown := sorted(set(row) - names.keys()):
                    raise ValueError(
                        f"map.grids[{g}][{r}] has {unknown[0]!r}, which no legend explains; known: "
                        f"{' '.join(sorted(names))}. Add it to map.legend."
                    )
        return self
