"""Answers kept between starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.cli import cache


def test_kept_until_the_stamp_changes() -> None:
    cache.store("x", "one", {"a": [1, None]})
    assert cache.load("x", "one") == {"a": [1, None]}
    assert cache.load("x", "two") is None
    assert cache.load("y", "one") is None


def test_a_damaged_entry_is_no_entry(tmp_path: Path) -> None:
    cache.store("x", "one", 1)
    for text in ("", "{", "[1]", '{"stamp": "two"}'):
        (tmp_path / "cache" / "x.json").write_text(text)
        assert cache.load("x", "one") is None


def test_a_place_that_cannot_be_written_costs_only_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setattr("metta.cli.cache._path", lambda name: tmp_path / "file" / name)
    cache.store("x", "one", 1)
    assert cache.load("x", "one") is None
