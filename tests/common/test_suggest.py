"""Nearest names."""

from __future__ import annotations

from metta.common.suggest import did_you_mean, nearest


def test_nearest_ignores_case_and_sorts_by_likeness() -> None:
    assert nearest("ARENNA", ["gym", "arena", "arena_sparse"])[0] == "arena"


def test_nothing_close_says_nothing() -> None:
    assert did_you_mean("zzz", ["arena"]) == ""
