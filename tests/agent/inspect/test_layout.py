"""Places: to the right as the data flows, nothing on top of anything."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from metta.agent.inspect.layout import Box, lay_out


@given(st.sets(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=14), st.integers(20, 90))
def test_arrows_lead_right_and_boxes_do_not_touch(edges: set[tuple[int, int]], height: int) -> None:
    arrows = [(f"n{a}", f"n{b}", f"k{a}") for a, b in sorted(edges) if a < b]
    boxes = [Box(f"n{i}", 60.0 + i, float(height - i)) for i in range(8)]
    layout = lay_out(boxes, arrows, dict.fromkeys(range(8), 50.0))
    for arrow in layout.arrows:
        source, target = layout.boxes[arrow.source], layout.boxes[arrow.target]
        assert source.x + source.width + 49 <= target.x
        assert len(arrow.lanes) == target.layer - source.layer - 1
    for one, other in combinations(layout.boxes.values(), 2):
        if one.layer == other.layer:
            assert abs(one.y - other.y) >= (one.height + other.height) / 2
    assert all(box.y - box.height / 2 >= -1e-6 and box.y + box.height / 2 <= layout.height + 1e-6 for box in boxes)
