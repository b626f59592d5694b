"""The whole map as one dense array, for critics that may see everything."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.mettagrid.config.game import GameConfig
from metta.mettagrid.maps.legend import AGENT

_FIXED = ("occupied", "type_id", "agent", "group", "orientation", "frozen", "busy")
_LARGEST = 255


class GlobalState:
    """Reads a world's objects into ``[height, width, channels] uint8``; numbers beyond 255 are shown as 255.

    Channels: ``occupied`` (1 where something stands), ``type_id``, ``agent`` (index + 1), ``group`` (id + 1, agents),
    ``orientation`` (+ 1, agents), ``frozen`` (steps left), ``busy`` (steps until a converter is idle), then
    ``inv:<resource>`` for every resource.
    """

    def __init__(self, game: GameConfig, height: int, width: int) -> None:
        self.channels = (*_FIXED, *(f"inv:{name}" for name in game.resource_names))
        self.shape = (height, width, len(self.channels))
        self._first_item = len(_FIXED)
        self._items = {name: self._first_item + i for i, name in enumerate(game.resource_names)}

    def encode(self, objects: Iterable[Mapping[str, Any]]) -> NDArray[np.uint8]:
        """A new array of everything on the map (``VecEnv.grid_objects``)."""
        state = np.zeros(self.shape, dtype=np.uint8)
        for item in objects:
            cell = state[item["r"], item["c"]]
            cell[0] = 1
            cell[1] = item["type_id"]
            if item["type"] == AGENT:
                parts = (item["agent_id"] + 1, item["group_id"] + 1, item["orientation"] + 1, item["frozen"])
                cell[2:6] = np.minimum(parts, _LARGEST)
            busy = item.get("conversion_remaining", 0) + item.get("cooldown_remaining", 0)
            cell[6] = min(busy, _LARGEST)
            for name, amount in item.get("inventory", {}).items():
                cell[self._items[name]] = min(amount, _LARGEST)
        return state
