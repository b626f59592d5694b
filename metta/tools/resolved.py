"""The resolved config of a run: written before the first step, read back by ``config=PATH`` and when a run goes on."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metta.common.atomic import write_atomic
from metta.common.config import Config
from metta.common.yaml_file import dump_yaml, flatten, read_yaml, to_plain

CLASS_DEFAULT = "class default"


def resolved_tree(config: Config) -> dict[str, Any]:
    """Every value of ``config``, defaults included, as plain data."""
    return to_plain(config.model_dump(mode="python"))


def resolved_text(config: Config, origins: Mapping[str, str], heading: str = "") -> str:
    """YAML of ``config`` with the origin of each value as a comment."""
    tree = resolved_tree(config)
    comments = {path: origin_of(path, origins) for path in flatten(tree)}
    title = "".join(f"# {line}\n" for line in heading.splitlines())
    return title + dump_yaml(tree, comments)


def save_resolved(config: Config, origins: Mapping[str, str], path: Path | str, heading: str = "") -> None:
    """Write ``resolved_text`` to ``path``, atomically. ``config=<path>`` starts the same run from it."""
    write_atomic(path, resolved_text(config, origins, heading).encode())


def load_resolved(path: Path | str) -> dict[str, Any]:
    """The plain tree that ``save_resolved`` wrote.

    Raises:
        ConfigError: the file is missing or no plain YAML.
    """
    return read_yaml(path)


def differences(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dotted paths whose values differ between two plain trees, with both values (None where a path is missing)."""
    before, after = flatten(old), flatten(new)
    paths = dict.fromkeys((*before, *after))
    return {path: (before.get(path), after.get(path)) for path in paths if before.get(path) != after.get(path)}


def origin_of(path: str, origins: Mapping[str, str]) -> str:
    """The origin of the nearest marked ancestor of ``path``; what nothing marked is a class default."""
    while path:
        if path in origins:
            return origins[path]
        path = path.rpartition(".")[0]
    return CLASS_DEFAULT
