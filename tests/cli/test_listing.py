"""``--list`` in its three forms; a recipe that cannot be read does not hide the others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture
def listed(sample: Any, capsys: pytest.CaptureFixture[str]) -> Callable[..., list[str]]:
    def lines(*words: str) -> list[str]:
        assert sample.run(*words, "--list") == 0
        return capsys.readouterr().out.splitlines()

    return lines


def test_all(listed: Callable[..., list[str]]) -> None:
    lines = listed()
    assert lines[0] == "prod"
    assert lines[1].split()[:2] == ["alpha", "sample,"]
    assert lines[1].endswith("Alpha: the first.")
    assert any(line.split()[:1] == ["experiment.alpha"] for line in lines), "the hidden one is listed by its full name"
    assert any("crooked" in line and "cannot be read" in line for line in lines)
    assert any("broken" in line for line in lines), "listing imports nothing"


def test_for_a_recipe(listed: Callable[..., list[str]]) -> None:
    lines = listed("alpha")
    assert lines[0] == "sample_recipes.prod.alpha: Alpha: the first."
    assert lines[1].split(None, 2)[:2] == ["sample", "alpha"]
    assert "count: int=2" in lines[1]
    assert listed("sample", "alpha") == lines


def test_for_a_tool(listed: Callable[..., list[str]]) -> None:
    assert [line.split()[:2] for line in listed("watch")[1:]] == [["watch", "alpha"]]


def test_a_misspelt_word(fails: Callable[..., str]) -> None:
    assert "neither a tool nor a recipe. Did you mean 'alpha'" in fails("alhpa", "--list")
