"""One override applied to a plain tree: set, merge, add, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from metta.cli.place import Place, locate
from metta.cli.provenance import COMMAND_LINE, Origins
from metta.cli.request import Override
from metta.cli.values import config_members, is_mapping, members_of, read_value
from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.common.yaml_file import to_plain
from metta.tools.resolved import CLASS_DEFAULT


def apply_override(
    root: type[Config], tree: dict[str, Any], origins: Origins, override: Override, every_path: Sequence[str] = ()
) -> None:
    """Apply one dotted override to a plain tree.

    Raises:
        ConfigError: no such key, or text that cannot be read.
    """
    place = locate(root, tree, override.key, every_path)
    if override.operation == "delete":
        _delete(place, override, origins)
        return
    assert override.text is not None
    if override.operation == "add" and place.kind != "field" and place.exists:
        raise ConfigError(f"{override}: {place.path!r} is there already. Change it with {place.path}={override.text}")
    if override.operation == "change" and not place.exists:
        raise ConfigError(_missing_entry(place, override))
    value = read_value(place.path, override.text, place.annotation)
    _set(place, value, origins)


def _set(place: Place, value: Any, origins: Origins) -> None:
    """Set a value; a mapping is merged into a section, unless its ``type`` is another."""
    old = place.value
    is_section = bool(config_members(place.annotation)) or any(is_mapping(k) for k in members_of(place.annotation))
    if isinstance(value, dict) and isinstance(old, dict) and is_section:
        new_type = cast(dict[str, Any], value).get("type")
        if new_type is None or new_type == cast(dict[str, Any], old).get("type"):
            _merge(cast(dict[str, Any], old), cast(dict[str, Any], value))
            origins.mark_leaves(place.path, value, COMMAND_LINE)
            return
    if place.kind == "element" and not place.exists:
        place.container.append(value)
    elif place.is_tag and value != old:
        place.container.clear()  # another class: the old one's settings mean nothing to it
        place.container["type"] = value
        origins.mark(place.path.rpartition(".")[0], CLASS_DEFAULT)
    else:
        place.container[place.key] = value
    origins.mark(place.path, COMMAND_LINE)


def _merge(old: dict[str, Any], new: Mapping[str, Any]) -> None:
    for key, value in new.items():
        if isinstance(value, dict) and isinstance(old.get(key), dict):
            _merge(old[key], cast(dict[str, Any], value))
        else:
            old[key] = value


def _delete(place: Place, override: Override, origins: Origins) -> None:
    """``~key``: a field goes back to its class default, an entry or element goes away."""
    if not place.exists:
        raise ConfigError(_missing_entry(place, override))
    if override.text is not None:
        expected = read_value(place.path, override.text, place.annotation)
        if to_plain(place.value) != to_plain(expected):
            raise ConfigError(f"{override}: nothing deleted, the value is {place.value!r}.")
    if place.kind == "element":
        del place.container[place.key]
    else:
        place.container.pop(place.key, None)
    origins.mark(place.path, CLASS_DEFAULT)


def _missing_entry(place: Place, override: Override) -> str:
    above = place.path.removesuffix(f".{place.key}")
    if place.kind == "element":
        return f"{override}: {above} has {len(place.container)} elements. Add one with +{place.path}={override.text}"
    hint = did_you_mean(str(place.key), place.container)
    known = "" if hint or not place.container else f" It has: {', '.join(map(str, list(place.container)[:12]))}."
    add = "" if override.operation == "delete" else f" To add an entry: +{place.path}={override.text}"
    return f"{above} has no entry {place.key!r}.{hint}{known}{add}"
