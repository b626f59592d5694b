"""Observations of the reference game, from docs/observations.md."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, PADDING, EnvSpec
from tests.mettagrid.oracle.agent import Agent, Cell
from tests.mettagrid.oracle.thing import inventory_tokens
from tests.mettagrid.oracle.window import seen_cells
from tests.mettagrid.oracle.world import Oracle

Token = tuple[int, int, int]


def tokens(oracle: Oracle, index: int) -> list[Token]:
    """All tokens of agent ``index``, before the cut to ``num_tokens``."""
    game, agent = oracle.game, oracle.agents[index]
    if agent.cell is None:
        return []
    found = _global_tokens(oracle, agent)
    agents = {other.cell: other for other in oracle.agents if other.cell is not None}
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
    agents = {agent.cell: agent for agent in oracle.agents if agent.cell is not None}
    for cell in np.ndindex(oracle.height, oracle.width):
        for feature, value in _object_tokens(oracle, agents, cell):
            box[spec.state_channels.index(names[feature]), *cell] = min(value, 255)
    if oracle.game.obs.episode_completion_pct:
        box[spec.state_channels.index(names[7])] = _completion(oracle)
    for agent in agents.values():
        assert agent.cell is not None
        box[0, *agent.cell] = agent.index + 1
        for _, feature, value in reversed(_global_tokens(oracle, agent)):  # of the visits, the own cell's stay
            if feature != 7:
                box[spec.state_channels.index(names[feature]), *agent.cell] = value
    return box


def _completion(oracle: Oracle) -> int:
    steps = oracle.game.max_steps
    return 255 * oracle.step_count // steps if steps else 0


def _global_tokens(oracle: Oracle, agent: Agent) -> list[Token]:
    assert agent.cell is not None
    obs = oracle.game.obs
    found: list[Token] = []
    if obs.episode_completion_pct:
        found.append((GLOBAL_LOCATION, 7, _completion(oracle)))
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
    if other := agents.get(cell):
        looks = [(2, other.frozen), (3, other.orientation), (4, other.color), (6, int(other.shield)), (11, other.glyph)]
        found = [(0, 0), (1, other.group)] + [token for token in looks if token[1] or token[0] == 3]
        return found + inventory_tokens(oracle, other.inventory)
    if cell in oracle.walls:
        config = oracle.game.objects[oracle.walls[cell]]
        return [(0, config.type_id)] + ([(13, 1)] if getattr(config, "swappable", False) else [])
    if thing := oracle.things.get(cell):
        clipped = [(15, 1)] if thing.clip != "free" else []
        return [(0, thing.config.type_id), *clipped, *thing.tokens(oracle)]
    return []
