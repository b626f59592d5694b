"""Fills the caches that help and mistakes are answered from: ``python -m metta.cli.warm``, the set-up's last step."""

from __future__ import annotations

from metta.cli.groups import Groups
from metta.cli.help import maker_schema, tool_schema
from metta.cli.registry import Registry


def warm() -> None:
    """Compose the config groups and read the schema of every maker and tool, once."""
    registry, groups = Registry.default(), Groups.default()
    for recipe in registry.recipes:
        for maker in recipe.makers:
            maker_schema(registry, groups, maker)
    for tool in registry.tools:
        tool_schema(registry, groups, tool)


if __name__ == "__main__":
    warm()
