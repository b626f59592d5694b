"""Action masks of the reference game, by their definition: an agent may do what would succeed if nobody else acted.

Who is in the way of a move may step aside, unless it is frozen.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.mettagrid.oracle.actions import needs, perform

if TYPE_CHECKING:
    from tests.mettagrid.oracle.world import Oracle

ALWAYS = ("noop", "rotate", "change_color", "change_glyph")
"""Families that succeed whenever they can be paid."""


def mask(oracle: Oracle, index: int) -> list[bool]:
    """What agent ``index`` may do in the next step."""
    agent = oracle.agents[index]
    allowed: list[bool] = []
    world = oracle.next_step()
    for family, names in oracle.game.actions.families().items():
        if family == "noop" or agent.cell is None or agent.frozen:
            allowed += [family == "noop"] * len(names)
        elif any(agent.inventory[name] < amount for name, amount in needs(oracle, family).items()):
            allowed += [False] * len(names)
        elif family in ALWAYS:
            allowed += [True] * len(names)
        elif family == "attack":
            allowed += [oracle.agent_at(cell) is not None for cell in agent.cells_aimed_at()]
        else:
            for name in names:
                done = perform(world, world.agents[index], family, name[len(family) + 1 :])
                allowed.append(done)
                if done:  # what fails changes nothing that matters here
                    world = oracle.next_step()
                world.agents[index].orientation = agent.orientation
    return allowed
