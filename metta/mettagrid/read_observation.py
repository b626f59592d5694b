"""Observations and global states in words: what stands where, whichever form the bytes have."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import GLOBAL_LOCATION, PADDING, EnvSpec

Cell = tuple[int, int]
"""(row, column): in the window for an agent's observation, on the map for a global state."""
AGENT_ID = "agent:id"
_AGENT = "agent"
_EVERYWHERE = "episode_completion_pct"
"""Of a global state: the other global features stand on the cell of the agent that they belong to."""


def cell_features(observation: NDArray[Any], spec: EnvSpec) -> dict[Cell, dict[str, int]]:
    """Features of each cell that shows any. Shapes: ``observation [*spec.obs_shape] uint8`` of one agent.

    A box does not tell zeros of an agent's categories (its type, group ...) from their absence, so that every
    categorical feature of a cell with an agent is listed; other zeros are not.

    >>> from metta.mettagrid.config.game import MettaGridConfig
    >>> from metta.mettagrid.spec import env_spec
    >>> tokens = np.array([[0xFE, 8, 2], [0x55, 0, 1], [0xFF, 0xFF, 0xFF]], dtype=np.uint8)
    >>> cell_features(tokens, env_spec(MettaGridConfig()))
    {(5, 5): {'type_id': 1}}
    """
    if spec.channels:
        return _box_cells(observation, spec.channels, spec, _AGENT)
    names = {feature.id: feature.name for feature in spec.features if feature.scope == "cell"}
    found: dict[Cell, dict[str, int]] = {}
    for location, feature, value in observation.tolist():
        if location == PADDING:
            break
        if location != GLOBAL_LOCATION:
            found.setdefault((location >> 4, location & 15), {})[names[feature]] = value
    return found


def global_features(observation: NDArray[Any], spec: EnvSpec) -> dict[str, int]:
    """Features that belong to no cell, by name. Shapes: ``observation [*spec.obs_shape] uint8`` of one agent."""
    names = {feature.id: feature.name for feature in spec.features if feature.scope == "global"}
    if spec.channels:
        return {name: int(observation[spec.channels.index(name), 0, 0]) for name in names.values()}
    return {names[feature]: value for location, feature, value in observation.tolist() if location == GLOBAL_LOCATION}


def state_features(state: NDArray[Any], spec: EnvSpec) -> dict[Cell, dict[str, int]]:
    """Features of each cell of the map that shows any, with ``agent:id`` = 1 + agent index where an agent stands.

    Shapes: ``state [*spec.state_shape] uint8`` of one environment.
    """
    ids = [place for place, name in enumerate(spec.state_channels) if name.startswith(AGENT_ID)]
    numbers = sum(state[place].astype(np.int64) << (8 * byte) for byte, place in enumerate(ids))
    names = (AGENT_ID, *spec.state_channels[len(ids) :])
    return _box_cells(np.concatenate([np.asarray(numbers)[None], state[len(ids) :]]), names, spec, AGENT_ID)


def _box_cells(box: NDArray[Any], names: tuple[str, ...], spec: EnvSpec, agent: str) -> dict[Cell, dict[str, int]]:
    found: dict[Cell, dict[str, int]] = {}
    listed = [f for f in spec.features if f.scope == "cell" or (agent == AGENT_ID and f.name != _EVERYWHERE)]
    shown = {f.name for f in listed}
    categories = {f.name for f in listed if f.kind == "categorical"}
    for row, column in np.argwhere(box.any(axis=0)).tolist():
        values = dict(zip(names, box[:, row, column].tolist(), strict=True))
        has_agent = values[agent] > 0
        cell = {n: v for n, v in values.items() if n in shown and (v or (has_agent and n in categories))}
        if agent == AGENT_ID and has_agent:
            cell[AGENT_ID] = values[agent]
        if cell:
            found[row, column] = cell
    return found
