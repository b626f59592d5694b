"""Random choices of the actions that a game has beside moves and attacks, and of what they cost."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

BLOCK = "block"


@st.composite
def more_actions(draw: st.DrawFn, resources: tuple[str, ...]) -> dict[str, Any]:
    """Every family is there three times in four; costs are small, some of them fractions."""
    needs = st.dictionaries(st.sampled_from(resources), st.integers(1, 2), max_size=1)
    prices = st.dictionaries(st.sampled_from(resources), st.sampled_from([1, 0.25, 1.5]), max_size=1)

    def family(**own: Any) -> dict[str, Any]:
        enabled = draw(st.sampled_from([True, True, True, False]))
        costs = {"required_resources": draw(needs), "consumed_resources": draw(prices)} if draw(st.booleans()) else {}
        return {"enabled": enabled, **costs, **own}

    directions = st.sampled_from([4, 8])
    shared = st.lists(st.sampled_from(resources), max_size=3, unique=True)
    amounts = st.dictionaries(st.sampled_from(resources), st.integers(1, 3), min_size=1, max_size=2)
    return {
        "move": {"directions": draw(directions), "uses_objects": draw(st.booleans())},
        "rotate": family(directions=draw(directions)),
        "put_items": family(),
        "get_items": family(),
        "attack": {
            "enabled": draw(st.booleans()),
            "consumed_resources": draw(prices),
            "defense_resources": draw(needs),
            "damage": draw(st.integers(0, 3)),
        },
        "swap": family(),
        "change_color": family(),
        "change_glyph": family(number_of_glyphs=draw(st.integers(1, 3))),
        "shield": family(resource=resources[-1], upkeep=draw(st.integers(0, 2))),
        "share": family(shareable_resources=tuple(draw(shared))),
        "transfer": family(amounts=draw(amounts)),
        "place_block": family(block=BLOCK),
        "pick_block": family(block=BLOCK, returned_resources=draw(needs)),
    }
