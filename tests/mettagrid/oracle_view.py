"""Masks and observations of the reference game, from docs/mettagrid.md and docs/observations.md."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, PADDING, EnvSpec
from tests.mettagrid.oracle import Agent, Cell, Converter, Oracle
from tests.mettagrid.oracle_window import seen_cells

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


def tokens(oracle: Oracle, index: int) -> list[Token]:
    """All tokens of agent ``index``, before the cut to ``num_tokens``."""
    game, agent = oracle.game, oracle.agents[index]
    found = _global_tokens(oracle, agent)
    agents = {other.cell: other for other in oracle.agents}
    opaque = {(r - agent.cell[0], c - agent.cell[1]) for r, c in oracle.opaque_cells()}
    for down, right in seen_cells(game.obs, opaque):
        cell = (agent.cell[0] + down, agent.cell[1] + right)
        location = (down + game.obs.height // 2) << 4 | (right + game.obs.width // 2)
        found += [(location, feature, min(value, 255)) for feature, value in _object_tokens(oracle, agents, cell)]
    return found


def observation(oracle: Oracle, index: int, spec: EnvSpec) -> NDArray[np.uint8]:
    """``[K, 3] uint8``: the tokens, cut or padded; or ``[C, H, W] uint8``: all of them in a box."""
    if spec.channels:
        return _box(tokens(oracle, index), spec)
    size = oracle.game.obs.num_tokens
    result = np.full((size, 3), PADDING, dtype=np.uint8)
    for slot, token in enumerate(tokens(oracle, index)[:size]):
        result[slot] = token
    return result


def _box(found: list[Token], spec: EnvSpec) -> NDArray[np.uint8]:
    box = np.zeros(spec.obs_shape, dtype=np.uint8)
    names = {feature.id: feature.name for feature in spec.features}
    for location, feature, value in found:
        plane = box[spec.channels.index(names[feature])]
        if location == GLOBAL_LOCATION:
            plane[:] = value
        else:
            plane[location >> 4, location & 15] = value
        if feature == 1:  # only agents have a group
            box[0, location >> 4, location & 15] = 1
    return box


def state(oracle: Oracle, spec: EnvSpec) -> NDArray[np.uint8]:
    """``[C, map height, map width] uint8``: all cells at once, and what only the agent itself sees on its cell."""
    box = np.zeros(spec.state_shape, dtype=np.uint8)
    names = {feature.id: feature.name for feature in spec.features}
    agents = {agent.cell: agent for agent in oracle.agents}
    for cell in np.ndindex(oracle.height, oracle.width):
        for feature, value in _object_tokens(oracle, agents, cell):
            box[spec.state_channels.index(names[feature]), *cell] = min(value, 255)
    for index, agent in enumerate(oracle.agents):
        box[0, *agent.cell] = index + 1
        for _, feature, value in reversed(_global_tokens(oracle, agent)):  # of the visits, the own cell's stay
            plane = box[spec.state_channels.index(names[feature])]
            if feature == 7:
                plane[:] = value
            else:
                plane[agent.cell] = value
    return box


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
    if obs.visitation_counts:
        centre = (obs.height // 2, obs.width // 2)
        for down, right in ((0, 0), (-1, 0), (1, 0), (0, -1), (0, 1)):
            visits = agent.visits[agent.cell[0] + down, agent.cell[1] + right]
            found.append(((centre[0] + down) << 4 | (centre[1] + right), 12, min(visits, 255)))
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
