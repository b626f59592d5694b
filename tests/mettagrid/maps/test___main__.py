"""The preview on the command line."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from metta.mettagrid.maps.__main__ import main


def test_preview_draws_text_and_picture(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "pictures" / "maze.png"
    assert main(["preview", "maze", "--png", str(path), "--cell", "6"]) == 0
    out = capsys.readouterr().out
    assert "@ agent 4" in out
    assert "scene map, 55x55, seed 0" in out
    with Image.open(path) as picture:
        assert picture.size == (55 * 6, 55 * 6)
        colours = picture.getcolors(100_000)
    assert colours is not None
    assert len(colours) > 4
    rows = out.splitlines()[:55]
    assert all(len(row) == 55 for row in rows)


def test_other_seeds_draw_other_maps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    drawn: list[str] = []
    for seed in ("1", "1", "2"):
        assert main(["preview", "navigation", "--seed", seed, "--png", str(tmp_path / "x.png")]) == 0
        drawn.append("\n".join(capsys.readouterr().out.splitlines()[:36]))
    assert drawn[0] == drawn[1] != drawn[2]


def test_faults_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["preview", "cavs"]) == 2
    assert "Did you mean 'caves'?" in capsys.readouterr().err
    assert main(["preview", "navigatoin"]) == 2
    told = capsys.readouterr().err
    assert "Did you mean 'navigation'?" in told
    assert "games: arena, arena_sparse, navigation;" in told
    assert main(["list"]) == 0
    assert "radial_maze" in capsys.readouterr().out


@pytest.mark.parametrize("option", [("--seed", "-1"), ("--seed", "1e3"), ("--cell", "0"), ("--agents", "100000")])
def test_numbers_out_of_range_are_usage(option: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["preview", "caves", *option])
    assert stopped.value.code == 2
    assert f"argument {option[0]}: {option[1]}: expected a whole number" in capsys.readouterr().err


def test_a_picture_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "x.png"
    assert main(["preview", "caves", "--png", str(path)]) == 1
    assert f"Error: --png {path}: " in capsys.readouterr().err
