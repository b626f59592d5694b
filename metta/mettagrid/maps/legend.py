"""Characters of drawn maps."""

from __future__ import annotations

from typing import Final

AGENT: Final = "agent"
"""A map cell where an agent starts, in the game's first group; ``agent.<group>`` names another group."""
EMPTY: Final = "empty"

DEFAULT_LEGEND: Final[dict[str, str]] = {
    ".": EMPTY,
    " ": EMPTY,
    "@": AGENT,
    "A": AGENT,
    "1": f"{AGENT}.team_1",
    "2": f"{AGENT}.team_2",
    "3": f"{AGENT}.team_3",
    "4": f"{AGENT}.team_4",
    "p": f"{AGENT}.prey",
    "P": f"{AGENT}.predator",
    "#": "wall",
    "W": "wall",
    "s": "block",
    "m": "mine_red",
    "r": "mine_red",
    "b": "mine_blue",
    "g": "mine_green",
    "n": "generator_red",
    "R": "generator_red",
    "B": "generator_blue",
    "G": "generator_green",
    "_": "altar",
    "a": "altar",
    "o": "armory",
    "S": "lasery",
    "L": "lab",
    "F": "factory",
    "T": "temple",
    "c": "converter",
    "C": "chest",
    "Z": "assembler",
    "D": "door",
    "y": "plant",
    "%": "pile",
}
"""Character -> cell. A map's own legend extends it and may redefine a character."""

CHARACTERS: Final[dict[str, str]] = {cell: char for char, cell in reversed(DEFAULT_LEGEND.items())}
"""Cell -> the character that draws it: the first of its characters."""


def group_of(cell: str) -> str | None:
    """The group that an agent cell names: ``""`` for the first group, None when ``cell`` is no agent.

    >>> group_of("agent.blue"), group_of("agent"), group_of("wall")
    ('blue', '', None)
    """
    if cell == AGENT:
        return ""
    return cell[len(AGENT) + 1 :] if cell.startswith(f"{AGENT}.") else None
