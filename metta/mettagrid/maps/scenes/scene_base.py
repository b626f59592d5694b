"""What all scenes share: children, and the names of things that they put on a map."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import BeforeValidator, Field

from metta.common.config import Config
from metta.mettagrid.maps.legend import AGENT, DEFAULT_LEGEND

if TYPE_CHECKING:
    from metta.mettagrid.maps.scene_config import ChildConfig

_ONE_NAME = ("object", "border_object", "center")
_MANY_NAMES = ("objects", "agents", "object_ranges")
_DRAWINGS = ("rows", "pattern")


class SceneBase(Config):
    """A scene draws on an area; its children then draw on that area, or on the parts of it that the scene made."""

    children: tuple[ChildConfig, ...] = Field(default=(), description="scenes drawn afterwards, in this order")

    def cells(self, key: str) -> Iterator[tuple[str, str]]:
        """Cell names that this scene and its children use, each with the key that names it."""
        fields: dict[str, Any] = {name: getattr(self, name) for name in type(self).model_fields}
        yield from ((fields[name], f"{key}.{name}") for name in _ONE_NAME if name in fields)
        for name in _MANY_NAMES:
            yield from ((cell, f"{key}.{name}") for cell in fields.get(name, ()))
        legend = self.cell_names()
        for name in _DRAWINGS:
            rows = fields.get(name)
            drawn = (
                {char for row in cast(tuple[str, ...], rows) for char in row} if isinstance(rows, tuple) else set[str]()
            )
            yield from ((legend[char], f"{key}.{name} (character {char!r})") for char in sorted(drawn & legend.keys()))
        for i, child in enumerate(self.children):
            yield from child.scene.cells(f"{key}.children[{i}].scene")

    def cell_names(self) -> dict[str, str]:
        """Character -> cell of the scene's drawing, the default legend included."""
        return DEFAULT_LEGEND | getattr(self, "legend", {})

    def native(self) -> dict[str, Any]:
        """Plain data as the engine reads it: legends are complete."""
        data = self.model_dump(mode="json")
        if "legend" in data:
            data["legend"] = self.cell_names()
        data["children"] = [child.native() for child in self.children]
        return data


def agent_cells(value: object) -> object:
    """``3`` is three agents of the first group; ``{"blue": 3}`` is ``{"agent.blue": 3}``.

    >>> agent_cells({"blue": 3, "agent": 1}), agent_cells(0)
    ({'agent.blue': 3, 'agent': 1}, {})
    """
    if isinstance(value, int) and not isinstance(value, bool):
        return {AGENT: value} if value else {}
    if isinstance(value, Mapping):
        groups = cast(Mapping[str, object], value)
        return {
            name if name == AGENT or name.startswith(f"{AGENT}.") else f"{AGENT}.{name}": count
            for name, count in groups.items()
        }
    return value


def size_range(value: object) -> object:
    """``2`` is the range from 2 to 2."""
    return (value, value) if isinstance(value, int) else value


Agents = Annotated[dict[str, int], BeforeValidator(agent_cells)]
"""A number, or group -> number."""
SizeRange = Annotated[tuple[int, int], BeforeValidator(size_range)]
"""A number, or the least and greatest one: every row and column draws its own."""
