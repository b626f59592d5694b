"""Where a dotted key leads: walked through config classes and the plain tree at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast, get_args, get_origin

from metta.cli.values import config_members, element_type, is_mapping, members_of
from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean, nearest

_MAX_KEYS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Place:
    """A key's place: ``container[key]`` in the plain tree, and the type of what belongs there.

    ``kind`` says what the container is: a field of a config class, an entry of a mapping, an element of a list.
    ``is_tag``: the key chooses the class of its section among several.
    """

    container: Any
    key: Any
    annotation: Any
    kind: Literal["field", "entry", "element"]
    path: str
    is_tag: bool = False

    @property
    def exists(self) -> bool:
        """Whether something can stand here without being added: a field always, an entry or element if it is there."""
        if self.kind == "field":
            return True
        return self.key in self.container if self.kind == "entry" else self.key < len(self.container)

    @property
    def value(self) -> Any:
        """What stands here now; None where nothing does."""
        if self.kind == "element":
            return self.container[self.key] if self.exists else None
        return self.container.get(self.key)


def locate(root: type[Config], tree: dict[str, Any], path: str, every_path: Iterable[str] = ()) -> Place:
    """The place of ``path`` below a tree that ``root`` describes. Missing sections on the way are made.

    ``every_path`` are paths to look through for the nearest when there is no such key.

    Raises:
        ConfigError: no such key; the message names the nearest.
    """
    parts = path.split(".")
    node: Any = tree
    annotation: Any = root
    for index, part in enumerate(parts):
        where = ".".join(parts[: index + 1])
        place = _step(node, annotation, parts, index, every_path)
        if index == len(parts) - 1 or (place.kind == "entry" and "." in str(place.key)):
            return place
        annotation, node = place.annotation, place.value
        if node is None:
            if not (config_members(annotation) or any(is_mapping(kind) for kind in members_of(annotation))):
                raise ConfigError(_no_section(where, annotation, path))
            if place.kind == "element":
                raise ConfigError(_bad_index(where, place.container, part))
            members = config_members(annotation)  # an absent section begins as the first of its alternatives
            node = _begun(members, place)
            place.container[place.key] = node
        elif not isinstance(node, dict | list):
            raise ConfigError(_no_section(where, annotation, path))
    raise AssertionError("a path has at least one part")


def member_class(annotation: Any, node: Any) -> type[Config] | None:
    """The config class that ``node`` is meant for; among several, its ``type`` decides."""
    members = config_members(annotation)
    if len(members) <= 1:
        return members[0] if members else None
    tag = cast(Mapping[str, Any], node).get("type") if isinstance(node, Mapping) else None
    for member in members:
        if tag is not None and tag in tags_of(member):
            return member
    untagged = [member for member in members if not tags_of(member)]
    return (untagged or list(members))[0]


def _begun(members: Sequence[type[Config]], place: Place) -> dict[str, Any]:
    """An absent section: of several classes the one whose tag is the section's name, else the first."""
    tags = [tag for member in members for tag in tags_of(member)]
    if len(members) < 2 or not tags_of(members[0]):
        return {}
    key = str(place.key)
    if place.kind == "entry" and key not in tags and (hint := did_you_mean(key, (*place.container, *tags))):
        raise ConfigError(f"there is no {place.path!r}.{hint} To add an entry: +{place.path}={{type: ...}}")
    return {"type": key if key in tags else tags[0]}


def tags_of(member: type[Config]) -> tuple[str, ...]:
    """The values of a class's ``type`` field."""
    field = member.model_fields.get("type")
    return get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()


def _step(node: Any, annotation: Any, parts: list[str], index: int, every_path: Iterable[str]) -> Place:
    """One step from ``node``, which stands at ``parts[:index]``, to its part ``parts[index]``."""
    part, where = parts[index], ".".join(parts[: index + 1])
    if isinstance(node, list):
        items = cast(list[Any], node)
        if not part.isdecimal() or int(part) > len(items):
            raise ConfigError(_bad_index(where, items, part))
        return Place(items, int(part), element_type(annotation), "element", where)
    member = member_class(annotation, node)
    if member is not None:
        field = member.model_fields.get(part)
        if field is None:
            raise ConfigError(_unknown_key(member, annotation, parts, index, every_path))
        is_tag = part == "type" and len(config_members(annotation)) > 1
        return Place(node, part, field.annotation, "field", where, is_tag)
    value_type = element_type(annotation)
    if isinstance(node, dict) and any(is_mapping(kind) for kind in members_of(annotation)):
        holds_sections = bool(config_members(value_type)) or element_type(value_type) is not None
        key = part if holds_sections else ".".join(parts[index:])  # names of resources and statistics may have dots
        return Place(cast(Any, node), key, value_type, "entry", ".".join((*parts[:index], key)))
    raise ConfigError(_no_section(".".join(parts[:index]), annotation, ".".join(parts)))


def _unknown_key(member: type[Config], annotation: Any, parts: list[str], index: int, every_path: Iterable[str]) -> str:
    part, above = parts[index], ".".join(parts[:index])
    owner = above or member.__name__
    if above and tags_of(member):
        owner = f"{above} (type {tags_of(member)[0]})"
    head = f"{owner} has no key {part!r}."
    others = [other for other in config_members(annotation) if part in other.model_fields]
    if others:
        choices = ", ".join(f"{above}={tag}" for other in others for tag in tags_of(other)[:1])
        return f"{head} It is a key of {choices}."
    siblings = nearest(part, member.model_fields)
    if siblings:
        rest = parts[index + 1 :]
        full = [".".join([*parts[:index], sibling, *rest]) for sibling in siblings]
        return f"{head} Did you mean {' or '.join(repr(path) for path in full)}?"
    same_name = [path for path in every_path if path.rpartition(".")[2] == parts[-1]]
    if same_name:
        return f"{head} Did you mean {' or '.join(repr(path) for path in same_name[:3])}?"
    if close := did_you_mean(".".join(parts), every_path):
        return head + close
    return f"{head} Its keys: {_listed(member.model_fields)}."


def _bad_index(where: str, items: list[Any], part: str) -> str:
    if not items:
        return f"{where}: the list is empty. Set it whole, or add to it: +{where.rpartition('.')[0]}.0=..."
    return f"{where}: expected an index from 0 to {len(items) - 1}, got {part!r}."


def _no_section(where: str, annotation: Any, path: str) -> str:
    names = ", ".join(getattr(kind, "__name__", str(kind)) for kind in members_of(annotation))
    return f"{path!r}: {where!r} is a value ({names or 'none'}), it has no keys."


def _listed(names: Iterable[str]) -> str:
    listed = list(names)
    more = f" and {len(listed) - _MAX_KEYS_SHOWN} more" if len(listed) > _MAX_KEYS_SHOWN else ""
    return ", ".join(listed[:_MAX_KEYS_SHOWN]) + more
