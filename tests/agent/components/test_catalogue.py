"""The table of components in ``docs/agents.md`` is the registry's."""

from __future__ import annotations

from pathlib import Path

from metta.agent.components.catalogue import component_table, first_sentence
from metta.agent.components.registry import COMPONENTS

PAGE = Path(__file__).resolve().parents[3] / "docs" / "agents.md"


def test_the_page_has_the_table_of_now() -> None:
    assert component_table() in PAGE.read_text(), "run: python tools/regenerate_golden.py components"


def test_every_component_has_its_row() -> None:
    rows = component_table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == sorted(COMPONENTS)
    assert all(row.endswith(". |") for row in rows)
    assert all(len(row) < 240 for row in rows)


def test_every_component_states_its_shapes() -> None:
    assert [name for name, cls in COMPONENTS.items() if "Shapes" not in (cls.__doc__ or "")] == []


def test_first_sentence() -> None:
    class Example:
        """Twice ``x``, or
        thrice. And more.

        Shapes: none.
        """

    assert first_sentence(Example) == "Twice `x`, or thrice."
