"""The golden files are what the engine does now, and the script that rewrites them says what it did."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

PATH = Path(__file__).resolve().parents[2] / "tools" / "regenerate_golden.py"
SPEC = importlib.util.spec_from_file_location("regenerate_golden", PATH)
assert SPEC is not None
assert SPEC.loader is not None
regenerate_golden = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(regenerate_golden)


def test_nothing_changes_when_nothing_changed(capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate_golden.main(["mine", "altar"]) == 0
    assert capsys.readouterr().out == "0 of 2 playthroughs changed\n"


def test_an_unknown_name_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    assert regenerate_golden.main(["mien"]) == 2
    assert "mien" in capsys.readouterr().err


def test_output_is_rewritten_and_the_script_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    golden = (regenerate_golden.PLAYTHROUGHS / "mine.txt").read_text(encoding="utf-8")
    (tmp_path / "mine.txt").write_text(golden.replace("ore_red 1", "ore_red 7"), encoding="utf-8")
    monkeypatch.setattr(regenerate_golden, "PLAYTHROUGHS", tmp_path)
    assert regenerate_golden.main([]) == 0
    assert (tmp_path / "mine.txt").read_text(encoding="utf-8") == golden
