"""Grids in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.maps.grid_files import Grid, grid_of_array, grid_paths, merge_grids, parse_drawing, read_grid


def test_a_plain_drawing_needs_no_header() -> None:
    assert parse_drawing("##\n#.\n\n", "x") == Grid(("##", "#."), {})


def test_headers_may_only_hold_a_legend() -> None:
    with pytest.raises(ConfigError, match=r"the header has \['size'\], expected only 'legend"):
        parse_drawing("size: 3\n---\n##\n", "x")
    with pytest.raises(ConfigError, match="draws no map"):
        parse_drawing("legend: {a: wall}\n---\n", "x")


def test_arrays_of_names_and_numbers() -> None:
    names = np.array([["wall", "strange_thing"], ["empty", "agent"]])
    grid = grid_of_array(names)
    assert (grid.rows[0][0], grid.rows[1]) == ("#", ".@")
    assert grid.legend == {grid.rows[0][1]: "strange_thing"}
    assert grid_of_array(np.array([[0, 3], [1, 0]])).rows == (".#", "#.")
    with pytest.raises(ConfigError, match="dtype float64"):
        grid_of_array(np.zeros((2, 2)))
    with pytest.raises(ConfigError, match=r"shape \[2\]"):
        grid_of_array(np.zeros(2, dtype=np.int8))


def test_grids_with_clashing_legends_are_merged() -> None:
    rows, legend = merge_grids([Grid(("x#",), {"x": "altar"}), Grid(("x.",), {"x": "mine_red"})], {"x": "throne"})
    assert [legend[row[0][0]] for row in rows] == ["altar", "mine_red"]
    assert legend["x"] == "throne"


def test_pickled_and_missing_files_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "o.npy", np.array([[None]], dtype=object))
    with pytest.raises(ConfigError, match="no numpy grid without pickled objects"):
        read_grid(tmp_path / "o.npy")
    with pytest.raises(ConfigError, match="Cannot read the map"):
        read_grid(tmp_path / "none.map")
    with pytest.raises(ConfigError, match="holds no grids"):
        grid_paths(str(tmp_path / "empty")) if (tmp_path / "empty").mkdir() is None else None
