"""What every kind of map says about itself."""

from __future__ import annotations

from typing import Any

from metta.common.config import Config
from metta.mettagrid.maps.legend import group_of


class MapBase(Config):
    """A map config. ``cells`` names what it may hold; ``native`` is what the engine reads."""

    def cells(self) -> dict[str, str]:
        """Cell names in use -> the key that names them."""
        return {}

    def object_names(self) -> dict[str, str]:
        """Object names in use -> the key that names them."""
        return {cell: key for cell, key in self.cells().items() if cell != "empty" and group_of(cell) is None}

    def group_names(self) -> dict[str, str]:
        """Agent groups in use -> the key that names them."""
        return {group: key for cell, key in self.cells().items() if (group := group_of(cell))}

    def check_agents(self, num_agents: int) -> None:
        """Refuse a number of agents that the map cannot start, as far as the config alone tells.

        Raises:
            ValueError: another number than the map's.
        """

    def native(self) -> dict[str, Any]:
        """Plain data as the engine reads it."""
        return self.model_dump(mode="json")
