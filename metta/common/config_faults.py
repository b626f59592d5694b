"""Pydantic's faults in words: the key to change, what we got, what was expected, and what to set it to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from metta.common.suggest import did_you_mean

_MAX_SHOWN = 80
_OWN_WORDS = ("value_error", "assertion_error")
_RANGES = {
    "greater_than_equal": ("ge", "Set {key} to {limit} or more"),
    "greater_than": ("gt", "Set {key} to more than {limit}"),
    "less_than_equal": ("le", "Set {key} to {limit} or less"),
    "less_than": ("lt", "Set {key} to less than {limit}"),
}
"""Kind of fault -> (name of its limit, the cure)."""


def describe_validation_error(
    error: ValidationError,
    tree: Any = None,
    *,
    prefix: Sequence[str] = (),
    of: type[BaseModel] | None = None,
) -> str:
    """Each fault once: ``key: message, got value. What to set``.

    ``tree`` is what was validated: with it the keys are those that a user writes, without pydantic's names of unions.
    ``prefix`` stands before all keys; with ``of``, the class that refused, unknown keys name the nearest.
    """
    faults = error.errors(include_url=False)
    return "; ".join(dict.fromkeys(_line(fault, tree, prefix, of) for fault in faults))


def key_of(location: Sequence[str | int], tree: Any) -> str:
    """The dotted key of a fault. Pydantic also puts the tags of unions into the location; the tree has none of them."""
    parts: list[str] = []
    node: Any = tree
    for position, part in enumerate(location):
        last = position == len(location) - 1
        if isinstance(node, Mapping):
            entries = cast(Mapping[Any, Any], node)
            if part in entries:
                node = entries[part]
            elif last and entries.get("type") != part:
                node = None
            else:
                continue
        elif isinstance(node, list | tuple) and isinstance(part, int):
            items = cast(Sequence[Any], node)
            node = items[part] if part < len(items) else None
        else:
            continue
        parts.append(str(part))
    return ".".join(parts)


def own_words(fault: ErrorDetails) -> str | None:
    """The message of one of our own checks, which says all there is to say; None for a check of pydantic's."""
    if fault["type"] not in _OWN_WORDS:
        return None
    return fault["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _line(fault: ErrorDetails, tree: Any, prefix: Sequence[str], of: type[BaseModel] | None) -> str:
    location = fault["loc"]
    found = ".".join(str(part) for part in location) if tree is None else key_of(location, tree)
    key = ".".join((*prefix, *([found] if found else ())))
    own = own_words(fault)
    if own is not None:
        return own if not key or key.rpartition(".")[2] in own else f"{key}: {own}"
    if fault["type"] == "missing":
        return f"{key}: missing. Set it"
    if fault["type"] == "extra_forbidden":
        return f"{key}: no such key.{_nearest(location, of)}"
    shown = repr(fault["input"])
    got = f", got {shown}" if len(shown) <= _MAX_SHOWN else ""
    return f"{key}: {fault['msg']}{got}{_cure(key, fault)}" if key else f"{fault['msg']}{got}"


def _cure(key: str, fault: ErrorDetails) -> str:
    if fault["type"] not in _RANGES:
        return ""
    name, words = _RANGES[fault["type"]]
    return f". {words.format(key=key, limit=fault.get('ctx', {}).get(name))}"


def _nearest(location: Sequence[str | int], of: type[BaseModel] | None) -> str:
    """The nearest key of the section that the fault is in."""
    sections = () if of is None else (of,)
    *parents, last = location
    for part in parents:
        tagged = tuple(section for section in sections if _tag(section) == part)
        fields = [section.model_fields[part] for section in sections if part in section.model_fields]
        if fields:
            sections = tuple(_models(field.annotation for field in fields))
        elif tagged:
            sections = tagged
    return did_you_mean(str(last), sorted({name for section in sections for name in section.model_fields}))


def _tag(section: type[BaseModel]) -> Any:
    field = section.model_fields.get("type")
    return None if field is None else field.default


def _models(annotations: Iterable[Any]) -> list[type[BaseModel]]:
    found: list[type[BaseModel]] = []
    for annotation in annotations:
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found.append(annotation)
        else:
            found += _models(get_args(annotation))
    return found
