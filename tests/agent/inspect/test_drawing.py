"""SVG: well-formed whatever the names are."""

from __future__ import annotations

from xml.etree import ElementTree

from metta.agent.inspect.drawing import Card, Chip, Drawing, draw


def test_names_are_escaped_and_everything_is_there() -> None:
    cards = [
        Card("<in>", is_end=True),
        Card("a & b", ("Linear < 3",), (Chip("clipping", "behaviour"),), "tip <x>", heat=0.5, class_name="C"),
    ]
    svg = draw(Drawing("T & t", "sub", cards, [("<in>", "a & b", "<in>")], {"<in>": ("[3]",)}))
    texts = {text.strip() for text in ElementTree.fromstring(svg).itertext() if text.strip()}
    assert {"T & t", "sub", "<in>", "a & b", "Linear < 3", "clipping", "tip <x>", "[3]"} <= texts
