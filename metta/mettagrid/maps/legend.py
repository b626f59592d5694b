"""Characters of drawn maps."""

from __future__ import annotations

from typing import Final

AGENT: Final = "agent"
"""A map cell where an agent starts, in the game's first group; ``agent.<group>`` names another group."""
EMPTY: Final = "empty"

DEFAULT_LEGEND: Final[dict[str, str]] = {
    "#": "wall",
    ".": EMPTY,
    " ": EMPTY,
    "@": AGENT,
    "_": "altar",
    "m": "mine_red",
    "n": "generator_red",
    "S": "lasery",
    "o": "armory",
}
"""Character -> cell. A map's own legend extends it and may redefine a character."""


def group_of(cell: str) -> str | None:
    """The group that an agent cell names: ``""`` for the first group, None when ``cell`` is no agent.

    >>> group_of("agent.blue"), group_of("agent"), group_of("wall")
    ('blue', '', None)
    """
    if cell == AGENT:
        return ""
    return cell[len(AGENT) + 1 :] if cell.startswith(f"{AGENT}.") else None
