"""Random maps of every type."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st


@st.composite
def maps(draw: st.DrawFn, names: list[str], num_agents: int) -> dict[str, Any]:
    """A map of any type, just large enough for what stands on it."""
    kind = draw(st.sampled_from(["random", "ascii", "rooms", "scene", "pool"]))
    counts = {name: draw(st.integers(0, 3)) for name in names}
    if kind == "scene":
        return draw(_scenes(counts, num_agents))
    if kind == "pool":
        return draw(_pools(names, num_agents))
    if kind == "ascii":
        return draw(_drawings(names, num_agents))
    if kind == "random":
        border = draw(st.integers(0, 2))
        side = st.integers(6 + 2 * border, 8 + 2 * border)
        return {"type": kind, "width": draw(side), "height": draw(side), "border_width": border, "objects": counts}
    return {
        "type": kind,
        "rooms": draw(st.integers(1, 3)),
        "room_width": draw(st.integers(6, 8)),
        "room_height": draw(st.integers(6, 8)),
        "border_width": draw(st.integers(0, 1)),
        "room_border_width": draw(st.integers(0, 1)) if sum(counts.values()) + num_agents <= 16 else 0,
        "objects": counts,
    }


@st.composite
def _drawings(draw: st.DrawFn, names: list[str], num_agents: int) -> dict[str, Any]:
    """An open map, so that agents stand at its very edge too."""
    width, height = draw(st.integers(3, 7)), draw(st.integers(3, 7))
    area = width * height
    legend = {str(i): name for i, name in enumerate(names)} | {"b": "agent.blue"}
    cells = draw(st.lists(st.sampled_from([".", ".", ".", *map(str, range(len(names)))]), min_size=area, max_size=area))
    places = draw(st.lists(st.integers(0, area - 1), min_size=num_agents, max_size=num_agents, unique=True))
    for place in places:
        cells[place] = draw(st.sampled_from("@b"))
    rows = ["".join(cells[r * width : (r + 1) * width]) for r in range(height)]
    return {"type": "ascii", "rows": rows, "legend": legend}


@st.composite
def _scenes(draw: st.DrawFn, counts: dict[str, int], num_agents: int) -> dict[str, Any]:
    """Agents and things scattered over a bare floor, or over the ways of a maze; perhaps in two instances."""
    instances = draw(st.sampled_from([1, 2] if num_agents % 2 == 0 else [1]))
    scatter = {"type": "random", "agents": num_agents // instances, "objects": counts}
    maze = draw(st.booleans())
    side = st.sampled_from([11, 13]) if maze else st.integers(6, 8)
    return {
        "type": "scene",
        "instance_width": draw(side),
        "instance_height": draw(side),
        "instances": instances,
        "border_width": draw(st.integers(0, 1)),
        "instance_border_width": draw(st.integers(0, 1)),
        "scene": {"type": "maze", "children": [{"scene": scatter}]} if maze else scatter,
    }


@st.composite
def _pools(draw: st.DrawFn, names: list[str], num_agents: int) -> dict[str, Any]:
    """The same things in two or three arrangements; the agents stand anywhere."""
    width, height = draw(st.integers(4, 7)), draw(st.integers(4, 7))
    kinds = st.sampled_from([".", *map(str, range(len(names)))])
    things = draw(st.lists(kinds, max_size=width * height - num_agents))
    cells = things + ["."] * (width * height - len(things))
    grids: list[list[str]] = []
    for _ in range(draw(st.integers(2, 3))):
        cells = draw(st.permutations(cells))
        grids.append(["".join(cells[r * width : (r + 1) * width]) for r in range(height)])
    legend = {str(i): name for i, name in enumerate(names)}
    return {"type": "pool", "grids": grids, "legend": legend, "agents": num_agents}
