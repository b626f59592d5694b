"""Drawn maps from files."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.common.errors import ConfigError
from metta.mettagrid.maps.ascii_map import AsciiMapConfig


def test_a_file_is_read_once_and_stays_in_the_config(tmp_path: Path) -> None:
    path = tmp_path / "small.map"
    path.write_text("legend: {A: altar}\n---\n#@A\n")
    drawn = AsciiMapConfig.from_file(path, legend={"z": "wall"})
    assert drawn.rows == ("#@A",)
    assert drawn.legend == {"A": "altar", "z": "wall"}
    path.unlink()
    assert AsciiMapConfig.model_validate(drawn.model_dump()) == drawn


def test_a_folder_is_no_single_map(tmp_path: Path) -> None:
    for name in ("a.map", "b.map"):
        (tmp_path / name).write_text("#@\n")
    with pytest.raises(ConfigError, match="a folder of 2 maps; name one, or use type=pool"):
        AsciiMapConfig.model_validate({"uri": f"file://{tmp_path}"})
