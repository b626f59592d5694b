"""What a recipe set and what it left to the class: plain trees without defaults, and where each value came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast, get_args, get_origin

from metta.common.config import Config
from metta.tools.resolved import CLASS_DEFAULT

COMMAND_LINE = "command line"


class Origins:
    """Origins by dotted path. A mark holds for everything below it; a later mark on an ancestor wipes older ones."""

    def __init__(self) -> None:
        self.marks: dict[str, str] = {}

    def mark(self, path: str, origin: str) -> None:
        """Everything at and below ``path`` now comes from ``origin``."""
        below = f"{path}."
        for old in [known for known in self.marks if known == path or known.startswith(below)]:
            del self.marks[old]
        self.marks[path] = origin

    def mark_leaves(self, path: str, tree: Any, origin: str) -> None:
        """Mark the leaves of ``tree``, which stands at ``path``; what it does not hold keeps its origin."""
        if isinstance(tree, Mapping) and tree:
            for key, child in cast(Mapping[str, Any], tree).items():
                self.mark_leaves(f"{path}.{key}" if path else key, child, origin)
        elif path:
            self.mark(path, origin)


def explicit_tree(config: Config) -> dict[str, Any]:
    """``config`` as plain data from which its class rebuilds it, without the values that are class defaults anyway.

    Configs, mappings and sequences are always there, so that an override below one finds its neighbours; single values
    only where they were set. Tags of unions (fields with one literal) are always there too: they choose the class.
    """
    tree: dict[str, Any] = {}
    for name, field in type(config).model_fields.items():
        value = getattr(config, name)
        is_tag = get_origin(field.annotation) is Literal and len(get_args(field.annotation)) == 1
        if name in config.model_fields_set or is_tag or isinstance(value, Config | Mapping | list | tuple):
            tree[name] = _plain(value)
    return tree


def mark_recipe(origins: Origins, config: Config, origin: str, path: str = "", inherited: bool = True) -> None:
    """Mark what was set on ``config`` and on the configs that were set on it; the rest is the class's."""
    for name in type(config).model_fields:
        where = f"{path}.{name}" if path else name
        value = getattr(config, name)
        was_set = inherited and name in config.model_fields_set
        if isinstance(value, Config):
            mark_recipe(origins, value, origin, where, was_set)
        elif isinstance(value, list | tuple) and any(isinstance(item, Config) for item in cast(list[Any], value)):
            for index, item in enumerate(cast(list[Any], value)):
                _mark_item(origins, item, origin, f"{where}.{index}", was_set)
        elif isinstance(value, Mapping) and any(isinstance(item, Config) for item in cast(Any, value).values()):
            for key, item in cast(Mapping[str, Any], value).items():
                _mark_item(origins, item, origin, f"{where}.{key}", was_set)
        else:
            origins.mark(where, origin if was_set else CLASS_DEFAULT)


def _mark_item(origins: Origins, item: Any, origin: str, where: str, was_set: bool) -> None:
    if isinstance(item, Config):
        mark_recipe(origins, item, origin, where, was_set)
    else:
        origins.mark(where, origin if was_set else CLASS_DEFAULT)


def _plain(value: Any) -> Any:
    if isinstance(value, Config):
        return explicit_tree(value)
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in cast(list[Any], value)]
    return value
