"""Resolved configs: text with origins, saved, read back, compared."""

from __future__ import annotations

from pathlib import Path

from metta.common.config import Config
from metta.tools.resolved import differences, load_resolved, origin_of, resolved_text, resolved_tree, save_resolved


class Level(Config):
    size: int = 3


class Sample(Config):
    name: str = "null"
    rate: float = 1e-5
    levels: tuple[Level, ...] = (Level(), Level(size=4))
    limits: tuple[int, ...] = ()


def test_text_has_the_origin_of_each_value() -> None:
    text = resolved_text(
        Sample(), {"rate": "command line", "levels": "recipe x", "levels.1.size": "command line"}, "hi"
    )
    assert text.splitlines() == [
        "# hi",
        'name: "null"   # class default',
        "rate: 1.0e-05  # command line",
        "levels:",
        "  -",
        "    size: 3    # recipe x",
        "  -",
        "    size: 4    # command line",
        "limits: []     # class default",
    ]


def test_saved_and_read_back(tmp_path: Path) -> None:
    save_resolved(Sample(), {}, tmp_path / "config.yaml")
    assert load_resolved(tmp_path / "config.yaml") == resolved_tree(Sample())
    assert Sample.model_validate(load_resolved(tmp_path / "config.yaml")) == Sample()


def test_differences_name_both_values() -> None:
    old = resolved_tree(Sample())
    new = resolved_tree(Sample(rate=0.5, levels=(Level(), Level(size=5), Level())))
    assert differences(old, new) == {"rate": (1e-5, 0.5), "levels.1.size": (4, 5), "levels.2.size": (None, 3)}
    assert differences(old, old) == {}


def test_an_origin_holds_for_all_below() -> None:
    assert origin_of("a.b.c", {"a": "recipe", "a.b": "command line"}) == "command line"
    assert origin_of("a.d", {"a": "recipe"}) == "recipe"
    assert origin_of("x", {"a": "recipe"}) == "class default"
