"""Every overridable key of a tool with type, default and doc, as plain rows that can be cached."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, TypedDict, cast, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from metta.cli.registry import maker_parameters
from metta.cli.values import allows_none, config_members, element_type, is_mapping, members_of
from metta.common.config import Config
from metta.common.yaml_file import to_plain

_NAMES: dict[object, str] = {
    int: "int",
    float: "float",
    str: "text",
    bool: "bool",
    Path: "path",
    Any: "any",
    NoneType: "null",
}
REQUIRED = "required"
_NO_LIMIT = 2**31 - 1  # what a C integer holds is no limit that anyone meets


class Row(TypedDict):
    """One key. ``owner`` is the config class that has it; ``item`` marks keys inside lists and mappings."""

    path: str
    type: str
    default: str
    doc: str
    section: bool
    owner: str
    item: bool


def tool_rows(tool_class: type[Config], tool: Config | None) -> list[Row]:
    """Rows of all keys below a tool, with the values of ``tool`` as defaults where there is one."""
    return list(_rows(tool_class, tool, "", item=False))


def parameter_rows(maker: Callable[..., Any]) -> list[Row]:
    """Rows of a recipe's arguments."""
    rows: list[Row] = []
    for name, parameter in maker_parameters(maker).items():
        default = REQUIRED if parameter.default is inspect.Parameter.empty else shown(parameter.default)
        rows.append(_row(name, type_text(parameter.annotation), default, "", owner="", item=False, section=False))
    return rows


def type_text(annotation: Any, metadata: list[Any] | None = None) -> str:
    """A type in words: ``int ≥ 1``, ``bag | fast``, ``list of text``, ``float or null``.

    >>> type_text(tuple[int, ...] | None)
    'list of int or null'
    """
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        return type_text(inner, [*(metadata or []), *_flat(more)])
    kinds = members_of(annotation)
    if len(kinds) == 1 and get_origin(kinds[0]) is Annotated:
        return type_text(kinds[0], metadata)
    text = " | ".join(dict.fromkeys(_kind_text(kind) for kind in kinds)) or "null"
    text += _bounds(metadata or [])
    return f"{text} or null" if allows_none(annotation) and kinds else text


def shown(value: Any) -> str:
    """A default as one would type it, on one line."""
    plain = to_plain(value.model_dump() if isinstance(value, Config) else value)
    if plain is None or isinstance(plain, bool):
        return {None: "null", True: "true", False: "false"}[plain]
    if isinstance(plain, str):
        return plain or '""'
    if isinstance(plain, list):
        items = cast(list[Any], plain)
        return (
            f"{len(items)} items"
            if any(isinstance(i, dict | list) for i in items)
            else f"[{','.join(map(shown, items))}]"
        )
    if isinstance(plain, dict):
        entries = cast(dict[str, Any], plain)
        return "{" + ",".join(f"{key}:{shown(item)}" for key, item in entries.items()) + "}"
    return f"{plain:_}" if isinstance(plain, int) and abs(plain) >= 100_000 else str(plain)


def _rows(owner: type[Config], value: Config | None, path: str, item: bool) -> Iterator[Row]:
    """Keys with plain values come before sections: on a terminal a key stands under the section named last."""
    sections: list[Row] = []
    for name, field in owner.model_fields.items():
        where = f"{path}.{name}" if path else name
        current = getattr(value, name) if value is not None else _class_default(field)
        first, *below = _field_rows(where, field, current, owner.__name__, item)
        if first["section"]:
            sections += [first, *below]
        else:
            yield first
    yield from sections


def _field_rows(where: str, field: FieldInfo, current: Any, owner: str, item: bool) -> Iterator[Row]:
    doc = _one_line(field.description or "")
    kinds = type_text(field.annotation, _flat(field.metadata))
    configs = config_members(field.annotation)
    if isinstance(current, Config):
        doc = doc or _first_sentence(type(current))
        text = kinds if len(configs) > 1 else "section"
        yield _row(where, text, _tag(current), doc, owner=owner, item=item, section=True)
        yield from _rows(type(current), current, where, item)
    elif current is PydanticUndefined and configs:
        yield _row(where, kinds, REQUIRED, doc or _first_sentence(configs[0]), owner=owner, item=item, section=True)
        yield from _rows(configs[0], None, where, item)
    else:
        default = REQUIRED if current is PydanticUndefined else shown(current)
        holds_configs = bool(config_members(element_type(field.annotation))) and bool(current)
        default = f"{len(current)} items" if holds_configs and current is not PydanticUndefined else default
        yield _row(where, kinds, default, doc, owner=owner, item=item, section=holds_configs)
        if holds_configs and current is not PydanticUndefined:
            yield from _item_rows(where, current)


def _item_rows(where: str, items: Any) -> Iterator[Row]:
    entries = cast(Mapping[str, Any], items).items() if isinstance(items, Mapping) else enumerate(items)
    for key, entry in entries:
        if isinstance(entry, Config):
            place = f"{where}.{key}"
            yield _row(
                place,
                "section",
                _tag(entry),
                _first_sentence(type(entry)),
                owner=type(entry).__name__,
                item=True,
                section=True,
            )
            yield from _rows(type(entry), entry, place, item=True)


def _row(path: str, type: str, default: str, doc: str, *, owner: str, item: bool, section: bool) -> Row:
    return Row(path=path, type=type, default=default, doc=doc, section=section, owner=owner, item=item)


def _class_default(field: FieldInfo) -> Any:
    return PydanticUndefined if field.is_required() else field.get_default(call_default_factory=True, validated_data={})


def _kind_text(kind: Any) -> str:
    origin = get_origin(kind)
    if origin is Literal:
        return " | ".join(str(value) for value in get_args(kind))
    if is_mapping(kind):
        return f"{type_text(element_type(kind))} by name"
    if origin in (list, tuple, set, frozenset):
        return f"list of {type_text(element_type(kind))}"
    if isinstance(kind, type) and issubclass(kind, Config):
        field = kind.model_fields.get("type")
        tags = get_args(field.annotation) if field is not None and get_origin(field.annotation) is Literal else ()
        return str(tags[0]) if tags else kind.__name__.removesuffix("Config")
    name = getattr(cast(object, kind), "__name__", str(cast(object, kind)))
    return _NAMES.get(cast(object, kind), name)


def _bounds(metadata: list[Any]) -> str:
    found: list[str] = []
    for entry in metadata:
        for sign, name in (("≥", "ge"), (">", "gt"), ("≤", "le"), ("<", "lt")):
            limit: Any = getattr(entry, name, None) if isinstance(entry, Ge | Gt | Le | Lt) else None
            if limit is not None and abs(limit) < _NO_LIMIT:
                found.append(f" {sign} {limit:g}")
    return ",".join(found)


def _flat(metadata: list[Any] | tuple[Any, ...]) -> list[Any]:
    """``Annotated[int, Field(ge=1)]`` keeps its bounds inside the Field."""
    return [inner for entry in metadata for inner in (entry.metadata if isinstance(entry, FieldInfo) else [entry])]


def _tag(config: Config) -> str:
    return str(getattr(config, "type", ""))


def _first_sentence(config: type[Config]) -> str:
    doc = inspect.cleandoc(config.__doc__ or "")
    return "" if config.__doc__ == Config.__doc__ else _one_line(doc.split("\n\n")[0])


def _one_line(text: str) -> str:
    return " ".join(text.replace("``", "").split())
