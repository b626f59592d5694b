"""Generators draw what they drew when their pictures were last looked at."""

from __future__ import annotations

from tests.mettagrid.maps.golden_maps import PATH, SCENES, golden_text


def test_pictures_are_unchanged() -> None:
    """``tools/regenerate_golden.py maps`` rewrites them; look at the difference."""
    kept = PATH.read_text(encoding="utf-8").split("\n\n")
    drawn = golden_text().split("\n\n")
    assert len(kept) == len(drawn) == len(SCENES)
    assert [new.splitlines()[0] for new, old in zip(drawn, kept, strict=True) if new != old] == []
