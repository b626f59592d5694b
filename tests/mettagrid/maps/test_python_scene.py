"""Python scenes fill pools."""

from __future__ import annotations

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.maps.python_scene import PythonScene, draw_pool
from tests.mettagrid.maps.drawing import count, draw_map


class Dots(PythonScene):
    def render(self) -> None:
        self.grid[self.rng.random(self.grid.shape) < 0.3] = "wall"


class Halves(PythonScene):
    def render(self) -> None:
        self.draw(Dots, self.area(0, 0, self.height, self.width // 2))
        self.area(0, self.width - 1, 1, 1)[:] = "altar"


def test_a_pool_of_python_maps_is_played() -> None:
    pool = draw_pool(Halves, count=5, height=6, width=8, seed=3, options={"agents": 2})
    assert len(set(pool.grids)) == 5
    assert pool == draw_pool(Halves, count=5, height=6, width=8, seed=3, options={"agents": 2})
    assert all("#" not in row[4:] for rows in pool.grids for row in rows)
    rows = draw_map(pool.model_dump(mode="json"), num_agents=2)
    assert count(rows)["@"] == 2
    assert rows[0][7] == "_"


def test_faults_are_named() -> None:
    scene = Dots(np.full((3, 3), "empty"), np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"area\(0, 2, 3, 3\) reaches beyond a grid of 3x3"):
        scene.area(0, 2, 3, 3)
    with pytest.raises(ConfigError, match="expected at least 1 map"):
        draw_pool(Dots, count=0, height=3, width=3, seed=0)
    with pytest.raises(ConfigError, match=r"height=-3, width=3.*expected 1 \.\. 1024 cells a side"):
        draw_pool(Dots, count=1, height=-3, width=3, seed=0)
    with pytest.raises(ConfigError, match=r"seed=-1.*expected 0 or more"):
        draw_pool(Dots, count=1, height=3, width=3, seed=-1)


def test_an_undeclared_object_is_named_without_its_invisible_character() -> None:
    class Thrones(PythonScene):
        def render(self) -> None:
            self.grid[0, 0] = "throne"

    pool = draw_pool(Thrones, count=1, height=3, width=4, seed=0, options={"agents": 1})
    with pytest.raises(ConfigError, match="throne") as caught:
        draw_map(pool.model_dump(mode="json"), num_agents=1)
    assert "game.map.grids (drawn from an array of cell names)" in str(caught.value)
    assert str(caught.value).isprintable()
