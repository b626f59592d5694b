"""Masks and observations of the reference game, from docs/mettagrid.md and docs/observations.md."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, PADDING
from tests.mettagrid.oracle import Agent, Cell, Converter, Oracle

Token = tuple[int, int, int]


def mask(oracle: Oracle, index: int) -> list[bool]:
    """What agent ``index`` may do in the next step."""
    return [_allowed(oracle, oracle.agents[index], name) for name in oracle.names]


def _allowed(oracle: Oracle, agent: Agent, action: str) -> bool:
    if action == "noop":
        return True
    family, _, what = action.partition("_")
    if agent.frozen or not oracle.can_afford(agent, family):
        return False
    if family == "attack":
        return oracle.agent_at(oracle.cell_attacked(agent, int(what))) is not None
    down, right = {"north": (-1, 0), "south": (1, 0), "west": (0, -1), "east": (0, 1)}[what]
    cell = (agent.cell[0] + down, agent.cell[1] + right)
    if not oracle.is_inside(cell) or cell in oracle.walls:
        return False
    if other := oracle.agent_at(cell):
        return not other.frozen
    return cell not in oracle.converters or _is_usable(oracle, agent, oracle.converters[cell])


def _is_usable(oracle: Oracle, agent: Agent, converter: Converter) -> bool:
    """Whether a use would move a unit after the next step's timed events."""
    later = converter.copy()
    later.tick()
    brings = any(
        later.inventory[name] < amount and oracle.to_give(agent, name)
        for name, amount in later.config.input_resources.items()
    )
    return brings or any(
        later.inventory[name] and oracle.room_next(agent, name) for name in later.config.output_resources
    )


@cache
def window_cells(width: int, height: int) -> list[Cell]:
    """Offsets by Manhattan distance, then north to south, then the western cell before the eastern one.

    >>> window_cells(3, 3)
    [(0, 0), (-1, 0), (0, -1), (0, 1), (1, 0), (-1, -1), (-1, 1), (1, -1), (1, 1)]
    """
    half_width, half_height = width // 2, height // 2
    cells = [(r, c) for r in range(-half_height, half_height + 1) for c in range(-half_width, half_width + 1)]
    return sorted(cells, key=lambda cell: (abs(cell[0]) + abs(cell[1]), cell))


def tokens(oracle: Oracle, index: int) -> list[Token]:
    """All tokens of agent ``index``, before the cut to ``num_tokens``."""
    game, agent = oracle.game, oracle.agents[index]
    found = _global_tokens(oracle, agent)
    agents = {other.cell: other for other in oracle.agents}
    for down, right in window_cells(game.obs.width, game.obs.height):
        cell = (agent.cell[0] + down, agent.cell[1] + right)
        location = (down + game.obs.height // 2) << 4 | (right + game.obs.width // 2)
        found += [(location, feature, min(value, 255)) for feature, value in _object_tokens(oracle, agents, cell)]
    return found


def observation(oracle: Oracle, index: int) -> NDArray[np.uint8]:
    """``[K, 3] uint8``: the tokens, cut or padded."""
    size = oracle.game.obs.num_tokens
    result = np.full((size, 3), PADDING, dtype=np.uint8)
    for slot, token in enumerate(tokens(oracle, index)[:size]):
        result[slot] = token
    return result


def _global_tokens(oracle: Oracle, agent: Agent) -> list[Token]:
    obs, steps = oracle.game.obs, oracle.game.max_steps
    found: list[Token] = []
    if obs.episode_completion_pct:
        found.append((GLOBAL_LOCATION, 7, 255 * oracle.step_count // steps if steps else 0))
    if obs.last_action:
        found.append((GLOBAL_LOCATION, 8, agent.last_action))
    if obs.last_reward:
        # Halves are left to the comparison: float32 and float64 may fall on either side.
        found.append((GLOBAL_LOCATION, 10, min(255, max(0, 128 + math.floor(100 * agent.reward + 0.5)))))
    return found


def _object_tokens(oracle: Oracle, agents: Mapping[Cell, Agent], cell: Cell) -> list[tuple[int, int]]:
    if cell in oracle.walls:
        return [(0, oracle.game.objects[oracle.walls[cell]].type_id)]
    names = oracle.game.resource_names
    if converter := oracle.converters.get(cell):
        state = [(5, int(converter.converting > 0)), (14, converter.cooldown)]
        found = [(0, converter.config.type_id)] + [token for token in state if token[1]]
        return found + [(17 + i, converter.inventory[n]) for i, n in enumerate(names) if converter.inventory[n]]
    if other := agents.get(cell):
        found = [(0, 0), (1, other.group), (2, other.frozen), (3, other.orientation)]
        found = [token for token in found if token[0] != 2 or token[1]]
        return found + [(17 + i, other.inventory[n]) for i, n in enumerate(names) if other.inventory[n]]
    return []
