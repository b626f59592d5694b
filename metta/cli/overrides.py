"""From a maker and overrides to a validated tool.

Precedence, lowest first: class defaults, group defaults (``configs/config.yaml``), the recipe, groups chosen on the
command line (each replaces its subtree), dotted keys. ``config=PATH`` stands in for the group defaults and the recipe.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from pydantic import TypeAdapter, ValidationError

from metta.cli import faults
from metta.cli.changes import apply_override
from metta.cli.games import GAME_GROUPS, PLACED_GROUPS, game_keys
from metta.cli.groups import Groups
from metta.cli.place import locate
from metta.cli.provenance import Origins, explicit_tree, mark_recipe
from metta.cli.registry import MakerEntry, RecipeCallError, maker_parameters, maker_tool_class
from metta.cli.request import Override
from metta.cli.values import read_value
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.yaml_file import flatten, to_plain
from metta.tools.resolved import CLASS_DEFAULT, load_resolved
from metta.tools.tool import Tool

_ALIASES = {"policy_uri": "policy_uris", "policy_uris": "policy_uri"}


@dataclass(frozen=True)
class _Sorted:
    """Overrides by what they are for."""

    config: str | None = None
    arguments: dict[str, Override] = field(default_factory=dict[str, Override])
    choices: list[Override] = field(default_factory=list[Override])
    dotted: list[Override] = field(default_factory=list[Override])


def build_tool(entry: MakerEntry, maker: Callable[..., Any], overrides: Sequence[Override], groups: Groups) -> Tool:
    """The tool that ``maker`` makes, changed by ``overrides`` and validated as a whole.

    Raises:
        ConfigError: an unknown key or choice, or a value that the tool refuses; all faults found at once.
    """
    tool_class = _tool_class(entry, maker)
    parameters = maker_parameters(maker)
    chosen = _sort(tool_class, overrides, parameters, groups)
    origins = Origins()
    if chosen.config is not None:
        if chosen.arguments:
            names = ", ".join(chosen.arguments)
            raise ConfigError(f"{names}: an argument of the recipe, which config= replaces. Leave one of them out.")
        tree, source = load_resolved(chosen.config), f"config {chosen.config}"
        origins.mark_leaves("", tree, source)
        every_path: list[str] = list(flatten(tree))
    else:
        made = _call(entry, maker, parameters, chosen.arguments).as_made()
        tree, source = explicit_tree(made), f"recipe {entry.module}"
        mark_recipe(origins, made, source)
        _fill_group_defaults(type(made), tree, origins, groups)
        every_path = list(flatten(to_plain(made.model_dump(mode="python"))))
        tool_class = type(made)
    _apply_all(tool_class, tree, origins, chosen, groups, every_path)
    try:
        tool = TypeAdapter(tool_class).validate_python(tree)  # pydantic's own error: faults need its places
    except ValidationError as error:
        raise faults.config_error(error, tree, origins.marks) from error
    return tool.with_origins(origins.marks, _heading(entry, overrides))


def _apply_all(
    root: type[Tool], tree: dict[str, Any], origins: Origins, chosen: _Sorted, groups: Groups, every_path: list[str]
) -> None:
    problems: list[str] = []
    for override in chosen.choices:
        try:
            _choose(root, tree, origins, groups, override)
        except ConfigError as error:
            problems.append(str(error))
    for override in chosen.dotted:
        try:
            apply_override(root, tree, origins, override, every_path)
        except ConfigError as error:
            problems.append(str(error))
    if problems:
        raise ConfigError("\n".join(problems))


def _tool_class(entry: MakerEntry, maker: Callable[..., Any]) -> type[Tool]:
    found = maker_tool_class(maker)
    if not (isinstance(found, type) and issubclass(found, Tool)):
        raise ConfigError(f"{entry.path} is annotated to return {found!r}, expected a tool such as TrainTool.")
    return found


def _sort(
    tool_class: type[Tool], overrides: Sequence[Override], parameters: Mapping[str, inspect.Parameter], groups: Groups
) -> _Sorted:
    found = _Sorted()
    config: str | None = None
    fields = tool_class.model_fields
    for override in overrides:
        root, dot, rest = override.key.partition(".")
        if root in _ALIASES and root not in (*fields, *parameters) and _ALIASES[root] in (*fields, *parameters):
            root = _ALIASES[root]
            override = Override(override.operation, root + dot + rest, _one_or_many(root, override.text))
        if root == "config" and root not in fields and not dot and override.operation == "change":
            config = override.text
        elif root in parameters:
            if dot or override.operation != "change":
                raise ConfigError(f"{override}: {root!r} is an argument of the recipe. Write {root}=<value>.")
            found.arguments[root] = override
        elif _is_choice(override, fields, groups):
            found.choices.append(override)
        elif root not in fields and not dot and (hint := did_you_mean(root, (*parameters, *fields))):
            raise ConfigError(f"Unknown key {override.key!r}.{hint}")
        else:
            found.dotted.append(override)
    return _Sorted(config, found.arguments, found.choices, found.dotted)


def _one_or_many(key: str, text: str | None) -> str | None:
    """``policy_uris=[x]`` for a tool that takes one ``policy_uri``: a list of one is that one."""
    if key != "policy_uri" or text is None or not text.startswith("["):
        return text
    words = read_value(key, text, tuple[str, ...])
    if len(words) != 1:
        raise ConfigError(f"policy_uris={text}: this tool takes one policy, got {len(words)}.")
    return words[0]


def _is_choice(override: Override, fields: Mapping[str, Any], groups: Groups) -> bool:
    """``trainer=default`` chooses from a group; ``trainer={...}`` and ``~trainer`` do not."""
    known = override.key in fields or override.key in PLACED_GROUPS
    if override.key not in groups.options or not known or override.operation == "delete":
        return False
    return override.text is not None and not override.text.startswith(("{", "["))


def _call(
    entry: MakerEntry,
    maker: Callable[..., Any],
    parameters: Mapping[str, inspect.Parameter],
    given: Mapping[str, Override],
) -> Tool:
    arguments: dict[str, Any] = {}
    for name, override in given.items():
        annotation, text = parameters[name].annotation, override.text or ""
        value = read_value(name, text, annotation)
        try:
            arguments[name] = TypeAdapter[Any](annotation).validate_python(value)
        except ValidationError as error:
            raise faults.value_error(name, text, error) from error
    missing = [n for n, p in parameters.items() if p.default is inspect.Parameter.empty and n not in arguments]
    if missing:
        raise ConfigError(f"{entry.path} needs {', '.join(f'{name}=<value>' for name in missing)}.")
    try:
        made = maker(**arguments)
    except ConfigError as error:
        if arguments or not isinstance(error.__cause__, ValidationError):
            raise  # says what the user can change
        raise RecipeCallError(str(error)).with_traceback(error.__traceback__) from error
    if not isinstance(made, Tool):
        raise ConfigError(f"{entry.path} returned a {type(made).__name__}, expected a {entry.tool} tool.")
    return made


def _fill_group_defaults(tool_class: type[Tool], tree: dict[str, Any], origins: Origins, groups: Groups) -> None:
    """Put the group defaults where the recipe left a class default. A section of another type is left alone."""
    for group, option in groups.defaults.items():
        if group not in tool_class.model_fields:
            continue
        subtree = groups.subtree(group, option)
        section = cast(dict[str, Any], tree.setdefault(group, {}))
        if not subtree or (subtree.get("type", section.get("type")) != section.get("type")):
            continue
        for path, value in flatten({group: subtree}).items():
            if origins.marks.get(path, CLASS_DEFAULT) == CLASS_DEFAULT:
                place = locate(tool_class, tree, path)
                place.container[place.key] = value
                origins.mark(path, groups.source(group, option))


def _choose(root: type[Tool], tree: dict[str, Any], origins: Origins, groups: Groups, override: Override) -> None:
    group, option = override.key, override.text or ""
    if "," in option:
        read_value(group, option, None)  # says that lists of values are sweeps
    subtree = groups.subtree(group, option)
    if group in GAME_GROUPS and group not in root.model_fields:
        _choose_game(tree, origins, groups, group, option)
        return
    if group == "network" and group not in root.model_fields:
        if "policy_architecture" not in root.model_fields:
            raise ConfigError(f"{group}={option}: this tool builds no policy. Leave it out.")
        group, subtree = "policy_architecture", {"type": "network", "network": subtree}
    tree[group] = subtree
    origins.mark(group, CLASS_DEFAULT)
    origins.mark_leaves(group, subtree, groups.source(override.key, option))


def _choose_game(tree: dict[str, Any], origins: Origins, groups: Groups, group: str, option: str) -> None:
    places = list(game_keys(tree, group))
    if not places:
        raise ConfigError(
            f"{group}={option}: this tool plays no MettaGrid game. Leave it out, or choose another recipe."
        )
    for container, key, path in places:
        container[key] = groups.subtree(group, option)  # a copy each
        origins.mark(path, CLASS_DEFAULT)
        origins.mark_leaves(path, container[key], groups.source(group, option))


def _heading(entry: MakerEntry, overrides: Sequence[Override]) -> str:
    words = " ".join((entry.name, entry.module.split(".", 2)[-1], *map(str, overrides)))
    return f"{words}\nStart it again: ./tools/run.py {entry.name} {entry.module.split('.', 2)[-1]} config=<this file>"
