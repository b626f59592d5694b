"""Doors, plants, chests and assemblers for random games."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from hypothesis import strategies as st

from metta.mettagrid.config.kinds.chest import ALL_POSITIONS


@st.composite
def more_objects(draw: st.DrawFn, resources: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Some of the kinds that are no converters, each with settings that all matter in a crowded little map."""
    kinds = {
        "door": doors(resources),
        "plant": plants(resources),
        "chest": chests(resources),
        "assembler": assemblers(resources),
    }
    chosen = draw(st.lists(st.sampled_from(list(kinds)), max_size=4, unique=True))
    return {name: draw(kinds[name]) for name in sorted(chosen)}


def doors(resources: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "type": st.just("door"),
            "key_resources": _amounts(resources, 2),
            "consumes_key": st.booleans(),
            "open_ticks": st.integers(0, 3),
            "starts_open": st.booleans(),
            "opaque": st.booleans(),
        }
    )


def plants(resources: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "type": st.just("plant"),
            "resource": st.sampled_from(resources),
            "max_stock": st.integers(2, 3),
            "initial_stock": st.integers(0, 2),
            "harvest": st.integers(1, 2),
            "growth": st.sampled_from([(0.0, 0.5), (0.3,), (0.0, 0.1, 1.0)]),
            "radius": st.integers(0, 4),
        }
    )


def chests(resources: Sequence[str]) -> st.SearchStrategy[dict[str, Any]]:
    sides = st.lists(st.sampled_from(ALL_POSITIONS), min_size=2, max_size=8, unique=True)
    units = st.integers(-2, 2).filter(bool)
    amounts = st.dictionaries(st.sampled_from(resources), units, min_size=1, max_size=2)
    return st.fixed_dictionaries(
        {
            "type": st.just("chest"),
            "resource": st.sampled_from(resources),
            "deposit_positions": sides,
            "withdrawal_positions": sides,
            "amount": st.integers(1, 3),
            "initial": st.integers(0, 2),
            "limit": st.integers(2, 4),
            "glyph_transfers": st.lists(st.fixed_dictionaries({"glyph": st.just(1), "amounts": amounts}), max_size=1),
        }
    )


@st.composite
def assemblers(draw: st.DrawFn, resources: Sequence[str]) -> dict[str, Any]:
    match = draw(st.sampled_from(["positions", "glyphs"]))
    who: dict[str, Any]
    if match == "positions":
        who = {"positions": st.sampled_from([("Any",), ("W",), ("N", "Any"), ("Any", "Any")])}
    else:
        who = {"glyphs": st.sampled_from([(), (1,), (1, 1)]), "min_agents": st.integers(1, 2)}
    recipe = st.fixed_dictionaries(
        {
            **who,
            "input_resources": _amounts(resources, 4),
            "output_resources": _amounts(resources, 3),
            "cooldown": st.integers(0, 4),
        }
    )
    return {
        "type": "assembler",
        "match": match,
        "recipes": draw(st.lists(recipe, max_size=3)),
        "inputs_from": draw(st.sampled_from(["even", "in_order"])),
        "outputs_to": draw(st.sampled_from(["user", "shared"])),
        "max_uses": draw(st.sampled_from([0, 0, 2])),
        "allow_partial_usage": draw(st.booleans()),
        "exhaustion": draw(st.sampled_from([0.0, 0.5])),
    }


def _amounts(resources: Sequence[str], most: int) -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(resources), st.integers(1, most), max_size=2)
