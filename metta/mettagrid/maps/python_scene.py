"""Scenes written in Python: they fill a pool of maps, so that no reset ever waits for Python."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.errors import ConfigError
from metta.mettagrid.config.limits import MAX_SIDE
from metta.mettagrid.maps.grid_files import grid_of_array, merge_grids
from metta.mettagrid.maps.legend import DEFAULT_LEGEND
from metta.mettagrid.maps.pool_map import PoolMapConfig

_MAX_NAME = 64
MakeScene = Callable[[NDArray[np.str_], np.random.Generator], "PythonScene"]


class PythonScene(ABC):
    """Draws cell names on ``grid``: ``empty``, ``wall``, ``agent``, ``agent.<group>`` or any object of the game.

    Shapes: ``grid [height, width] str``, empty at first.

    >>> class Stripes(PythonScene):
    ...     def render(self) -> None:
    ...         self.grid[:, ::2] = "wall"
    >>> draw_pool(Stripes, count=1, height=1, width=4, seed=0).grids
    (('#.#.',),)
    """

    def __init__(self, grid: NDArray[np.str_], rng: np.random.Generator) -> None:
        self.grid = grid
        self.rng = rng

    @property
    def height(self) -> int:
        return self.grid.shape[0]

    @property
    def width(self) -> int:
        return self.grid.shape[1]

    @abstractmethod
    def render(self) -> None:
        """Draw on ``self.grid`` with ``self.rng`` as the only source of chance."""

    def area(self, row: int, column: int, height: int, width: int) -> NDArray[np.str_]:
        """A part of the grid: drawing on it draws on the grid. Another scene can be given it.

        Raises:
            ConfigError: it reaches beyond the grid.
        """
        if row < 0 or column < 0 or row + height > self.height or column + width > self.width:
            raise ConfigError(
                f"area({row}, {column}, {height}, {width}) reaches beyond a grid of {self.height}x{self.width} cells."
            )
        return self.grid[row : row + height, column : column + width]

    def draw(self, scene: MakeScene, area: NDArray[np.str_]) -> None:
        """Draw another scene on an area, with a stream of its own."""
        scene(area, self.rng.spawn(1)[0]).render()


def draw_pool(
    scene: MakeScene,
    *,
    count: int,
    height: int,
    width: int,
    seed: int,
    options: Mapping[str, Any] | None = None,
) -> PoolMapConfig:
    """A pool of ``count`` maps drawn by ``scene``; ``options`` are further keys of the pool, such as ``agents``.

    Raises:
        ConfigError: fewer than one map, a size or seed out of range, or a name that is too long.
    """
    if count < 1:
        raise ConfigError(f"draw_pool(count={count}): expected at least 1 map.")
    if not (1 <= height <= MAX_SIDE and 1 <= width <= MAX_SIDE):
        raise ConfigError(f"draw_pool(height={height}, width={width}): expected 1 .. {MAX_SIDE} cells a side.")
    if seed < 0:
        raise ConfigError(f"draw_pool(seed={seed}): expected 0 or more.")
    grids: list[NDArray[np.str_]] = []
    for rng in np.random.default_rng(seed).spawn(count):
        grid = np.full((height, width), "empty", dtype=f"<U{_MAX_NAME}")
        scene(grid, rng).render()
        grids.append(grid)
    drawings, legend = merge_grids([grid_of_array(grid) for grid in grids], {})
    own = {char: cell for char, cell in legend.items() if DEFAULT_LEGEND.get(char) != cell}
    return PoolMapConfig.model_validate({"grids": tuple(drawings), "legend": own, **(options or {})})
