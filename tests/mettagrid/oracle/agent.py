"""Agents of the reference game, and the directions they know."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from metta.mettagrid.config.actions import ORIENTATIONS

Cell = tuple[int, int]

DELTAS: dict[str, Cell] = {
    "north": (-1, 0),
    "south": (1, 0),
    "west": (0, -1),
    "east": (0, 1),
    "northwest": (-1, -1),
    "northeast": (-1, 1),
    "southwest": (1, -1),
    "southeast": (1, 1),
}
CLOCK = ("north", "northeast", "east", "southeast", "south", "southwest", "west", "northwest")
"""The directions as a clock's hand passes them."""
AROUND: tuple[Cell, ...] = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))
"""NW N NE W E SW S SE."""
POSITIONS: dict[str, Cell] = dict(zip(("NW", "N", "NE", "W", "E", "SW", "S", "SE"), AROUND, strict=True))

STRAIGHT_AIMS = ((1, 0), (1, 1), (1, -1), (2, 0), (2, 1), (2, -1), (3, 0), (3, 1), (3, -1))
"""Cell k of the 3x3 ahead as (steps forward, steps to the left): ``7 6 8 / 4 3 5 / 1 0 2`` from far to near."""
DIAGONAL_AIMS = ((1, 1), (2, 1), (1, 2), (2, 2), (3, 1), (1, 3), (3, 2), (2, 3), (3, 3))
"""Cell k for a diagonal, as (steps along its counter-clockwise neighbour, steps along its clockwise one):
``4 6 8 / 1 3 7 / 0 2 5`` for northeast, north up."""


def turned(direction: str, by: int) -> str:
    """The direction ``by`` eighths of a turn clockwise.

    >>> turned("north", -2)
    'west'
    """
    return CLOCK[(CLOCK.index(direction) + by) % 8]


def shifted(cell: Cell, delta: Cell, times: int = 1) -> Cell:
    return cell[0] + times * delta[0], cell[1] + times * delta[1]


@dataclass
class Agent:
    index: int
    cell: Cell | None
    """None: not on the map."""
    home: Cell
    group: int
    orientation: int = 0
    frozen: int = 0
    color: int = 0
    glyph: int = 0
    shield: bool = False
    presence: str = "here"
    """here, waiting, down or gone."""
    since: int = 0
    """Step at whose end it died."""
    entered: int = 0
    just_entered: bool = False
    inventory: Counter[str] = field(default_factory=Counter)
    stats: Counter[str] = field(default_factory=Counter)
    visits: Counter[Cell] = field(default_factory=Counter)
    """Steps that ended on a cell, the start included."""
    last_action: int = 0
    reward: float = 0.0
    total: float = 0.0
    penalty: float = 0.0
    paid: float = 0.0
    """Sum of all contributions at the end of the last step."""
    paid_at: list[int] = field(default_factory=list[int])
    """Steps with a positive reward."""
    away_steps: int = 0
    """Steps that it ended down or gone."""
    held_at_start: Counter[str] = field(default_factory=Counter)
    """Inventory before the actions of this step: room that others make fills only from the next step on."""
    ahead_at_start: object = None
    """What it faced then."""

    @property
    def direction(self) -> str:
        return ORIENTATIONS[self.orientation]

    @property
    def ahead(self) -> Cell:
        assert self.cell is not None
        return shifted(self.cell, DELTAS[self.direction])

    @property
    def takes_part(self) -> bool:
        return self.presence in ("here", "down")

    def spendable(self, resource: str) -> int:
        """Units that the agent can use in this step: what others gave it since the step began comes later."""
        return min(self.inventory[resource], self.held_at_start[resource])

    def gain(self, name: str, amount: int) -> None:
        self.inventory[name] += amount
        self.stats[f"{name}.gained"] += amount

    def lose(self, name: str, amount: int) -> None:
        self.inventory[name] -= amount
        self.stats[f"{name}.lost"] += amount

    def cells_aimed_at(self) -> Sequence[Cell]:
        """The nine cells that attacks hit."""
        assert self.cell is not None
        if self.direction in ("north", "south", "west", "east"):
            axes, aims = (DELTAS[self.direction], DELTAS[turned(self.direction, -2)]), STRAIGHT_AIMS
        else:
            axes, aims = (DELTAS[turned(self.direction, -1)], DELTAS[turned(self.direction, 1)]), DIAGONAL_AIMS
        return [shifted(shifted(self.cell, axes[0], one), axes[1], other) for one, other in aims]

    def copy(self) -> Agent:
        """Enough of it to try an action."""
        return replace(
            self,
            inventory=Counter(self.inventory),
            held_at_start=Counter(self.inventory),
            stats=Counter(),
        )
