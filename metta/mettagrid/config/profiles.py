"""Profiles: sets of defaults for whatever a game's config leaves unset. The engine knows nothing of them.

``classic``: agents turn, put and get; a move uses nothing. ``use``: a move into an object uses it. ``energy``: all that
agents do costs energy, hits are parried by shields, altars sell hearts.
"""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Final, Literal, cast

from metta.common.config import Config
from metta.mettagrid.config.objects import ConverterConfig, WallConfig
from metta.mettagrid.config.systems import UpkeepConfig
from metta.mettagrid.maps.map_config import RandomMapConfig

Profile = Literal["classic", "use", "energy"]

DEFAULT_RESOURCES: Final = (
    "ore_red",
    "ore_blue",
    "ore_green",
    "battery_red",
    "battery_blue",
    "battery_green",
    "heart",
    "armor",
    "laser",
    "blueprint",
)
ENERGY: Final = "energy"

_Tree = Mapping[str, Any]

_CLASSIC: Final[_Tree] = {
    "actions": {
        "move": {"uses_objects": False},
        "rotate": {"enabled": True},
        "put_items": {"enabled": True},
        "get_items": {"enabled": True},
    }
}
_USE: Final[_Tree] = {"actions": {"move": {"uses_objects": True}}}
# An agent that does nothing lives on its first 250 units for 1,000 steps. Only the altar has a price, so that an agent
# without energy can still earn some: ore from a generator, 100 units for it from a converter.
_ENERGY: Final[_Tree] = {
    "resource_names": (*DEFAULT_RESOURCES, ENERGY),
    "agent": {
        "resource_limits": {ENERGY: 250},
        "initial_inventory": {ENERGY: 250},
        "rewards": {"inventory": {"heart": 1.0}},
    },
    "actions": {
        "move": {"uses_objects": True},
        "rotate": {"enabled": True},
        "attack": {"enabled": True, "consumed_resources": {ENERGY: 5.0}, "damage": 5},
        "shield": {"enabled": True, "consumed_resources": {ENERGY: 1.0}, "resource": ENERGY, "upkeep": 1},
    },
    "systems": {"upkeep": UpkeepConfig(resources={ENERGY: 0.25})},
    "objects": {
        "wall": WallConfig(type_id=1),
        "generator": ConverterConfig(
            type_id=5, output_resources={"ore_red": 1}, max_output=1, max_conversions=30, cooldown=5
        ),
        "converter": ConverterConfig(
            type_id=9, input_resources={"ore_red": 1}, output_resources={ENERGY: 100}, max_output=1, cooldown=2
        ),
        "altar": ConverterConfig(
            type_id=8, output_resources={"heart": 1}, use_cost={ENERGY: 100}, max_output=1, cooldown=2
        ),
    },
    "map": RandomMapConfig(objects={"generator": 6, "converter": 3, "altar": 2}),
}
_PROFILES: Final[Mapping[Profile, _Tree]] = {"classic": _CLASSIC, "use": _USE, "energy": _ENERGY}


class _ClassDefault:
    """Stands for the default of a config's own class, where another profile has something else."""


def profile_values(game: Config, profile: Profile) -> dict[str, Any]:
    """The fields of ``game`` whose unset parts the profile fills, filled; what the user set stays.

    ``model_fields_set`` stays as it was at every depth. So ``replace({"profile": ...})`` switches all that was filled,
    and nothing else.
    """
    tree = dict(_complete(_PROFILES[profile], list(_PROFILES.values())))
    if "objects" in game.model_fields_set:
        tree["map"] = _ClassDefault()  # the profile's map names the profile's objects
    return _filled(game, tree)


def _complete(tree: _Tree, all_trees: list[_Tree]) -> _Tree:
    """``tree`` with the keys of all others: a part that another profile filled before must not stay behind."""
    complete: dict[str, Any] = {}
    for key in dict.fromkeys(key for other in all_trees for key in other):
        branches = [other[key] for other in all_trees if key in other]
        if _is_branch(key, branches[0]):
            complete[key] = _complete(tree.get(key, {}), branches)
        else:
            complete[key] = tree.get(key, _ClassDefault())
    return complete


def _is_branch(key: str, value: Any) -> bool:
    """Whether ``value`` describes parts of a config; mappings of resources and objects are values."""
    named = ("resource_limits", "initial_inventory", "inventory", "consumed_resources", "objects")
    return isinstance(value, Mapping) and key not in named


def _filled(node: Config, tree: _Tree) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for key, value in tree.items():
        current = getattr(node, key)
        if isinstance(current, Config) and isinstance(value, Mapping):
            parts = _filled(current, cast(_Tree, value))
            if parts:
                changes[key] = _with_parts(current, parts)
        elif key not in node.model_fields_set:
            default = type(node).model_fields[key].get_default(call_default_factory=True)
            changes[key] = deepcopy(default if isinstance(value, _ClassDefault) else value)
    return changes


def _with_parts(config: Config, parts: Mapping[str, Any]) -> Config:
    """A copy with other values for some fields, which count as unset as before."""
    values = {name: getattr(config, name) for name in type(config).model_fields}
    return type(config).model_construct(_fields_set=set(config.model_fields_set), **{**values, **parts})
