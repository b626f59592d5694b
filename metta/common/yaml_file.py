"""YAML that can be trusted: read with limits and without tricks, written with the origin of each value beside it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from pathlib import Path
from typing import Any, cast

from metta.common.errors import ConfigError

MAX_BYTES = 256 * 1024
"""Largest file that is read. A config of a hundred agents takes a tenth of it."""
MAX_DEPTH = 40

_PLAIN_TEXT = re.compile(r"(?:\./)?[A-Za-z_][\w./@-]*(?::[\w./@-]+)*(?: [A-Za-z_][\w./@-]*)*", re.ASCII)
_WORDS_WITH_MEANING = frozenset({"true", "false", "yes", "no", "on", "off", "null", "y", "n"})
_FLOAT = re.compile(r"[-+]?(?:\d[\d_]*)(?:\.[\d_]*)?(?:[eE][-+]?\d+)|[-+]?(?:\d[\d_]*)?\.\d[\d_]*|[-+]?\d[\d_]*\.")
_NOT_PRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")  # YAML wants them escaped, JSON does not
_COMMENT_COLUMN_MAX = 64


def read_yaml(path: Path | str, *, allow_targets: bool = False) -> dict[str, Any]:
    """The mapping in a YAML file.

    Refused: files over 256 KiB, anchors and aliases (a few lines of them expand to gigabytes), explicit tags, repeated
    keys, ``_target_`` (nothing that a file names is ever instantiated) and ``${...}`` (it would read the environment).
    With ``allow_targets`` a ``_target_`` is text like any other: for readers that look it up in a table of their own.

    Raises:
        ConfigError: the file cannot be read, or holds one of these; the message names the line.
    """
    place = Path(path).expanduser()
    try:
        with place.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"Cannot read {place}: {error.strerror}.") from error
    if len(data) > MAX_BYTES:
        raise ConfigError(f"{place} is larger than {MAX_BYTES // 1024} KiB, the most that a config may have.")
    try:
        return parse_yaml(data.decode("utf-8"), str(place), allow_targets=allow_targets)
    except UnicodeDecodeError as error:
        raise ConfigError(f"{place} is not a UTF-8 text: {error}.") from error


def parse_yaml(text: str, name: str, *, allow_targets: bool = False) -> dict[str, Any]:
    """Like ``read_yaml`` for text; ``name`` stands for the file in messages."""
    import yaml

    try:
        _check_events(text, name)
        value = yaml.load(text, Loader=_loader())
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark is not None else name
        problem = getattr(error, "problem", None) or str(error).splitlines()[0]
        raise ConfigError(f"{where} is not valid YAML: {problem}.") from error
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise ConfigError(f"{name} holds a {type(value).__name__}, expected keys with values.")
    tree = cast(dict[str, Any], value)
    _check_values(tree, name, (), allow_targets=allow_targets)
    return tree


def _check_events(text: str, name: str) -> None:
    import yaml

    depth = 0
    events: Iterator[Any] = cast(Any, yaml).parse(text, Loader=yaml.SafeLoader)
    for event in events:
        line = int(event.start_mark.line) + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise ConfigError(f"{name}:{line} has an anchor or alias (& or *). Write the value out.")
        if getattr(event, "tag", None) is not None:
            raise ConfigError(f"{name}:{line} has the tag {event.tag!r}. A config holds plain values only.")
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise ConfigError(f"{name}:{line} nests deeper than {MAX_DEPTH} levels.")


def _loader() -> Any:
    """A safe loader that refuses repeated keys and reads ``1e-3`` as a number, as YAML 1.2 does."""
    import yaml

    class Loader(yaml.SafeLoader):
        """Its own class: constructors and resolvers are class attributes, and PyYAML's own loader stays as it is."""

    def construct_mapping(loader: Any, node: Any) -> dict[Any, Any]:
        found: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            key = loader.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} is no text", key_node.start_mark)
            if key in found:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} repeats", key_node.start_mark)
            found[key] = loader.construct_object(value_node, deep=True)
        return found

    loader_class: Any = Loader
    loader_class.add_constructor("tag:yaml.org,2002:map", construct_mapping)
    pattern = re.compile(f"^(?:{_FLOAT.pattern})$")
    loader_class.add_implicit_resolver("tag:yaml.org,2002:float", pattern, list("-+0123456789."))
    return loader_class


def _check_values(value: Any, name: str, path: tuple[str, ...], *, allow_targets: bool) -> None:
    if isinstance(value, dict):
        for key, child in cast(dict[str, Any], value).items():
            if key == "_target_" and not allow_targets:
                where = ".".join((*path, key))
                raise ConfigError(f"{name}: {where!r} is refused: a config names no classes. Remove it.")
            _check_values(child, name, (*path, key), allow_targets=allow_targets)
    elif isinstance(value, list):
        for index, child in enumerate(cast(list[Any], value)):
            _check_values(child, name, (*path, str(index)), allow_targets=allow_targets)
    elif isinstance(value, str) and "${" in value:
        raise ConfigError(f"{name}: {'.'.join(path)}={value!r} is an interpolation, which is refused. Write it out.")


def to_plain(value: Any) -> Any:
    """``value`` as YAML can hold it: tuples and sets become lists, enums their values, paths text."""
    if isinstance(value, Mapping):
        return {str(key): to_plain(child) for key, child in cast(Mapping[Any, Any], value).items()}
    if isinstance(value, set | frozenset):
        return sorted(to_plain(child) for child in cast(set[Any], value))
    if isinstance(value, list | tuple):
        return [to_plain(child) for child in cast(Sequence[Any], value)]
    if isinstance(value, Enum):
        return value.value
    return str(value) if isinstance(value, Path) else value


def flatten(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves by dotted path; list elements by index. Lists of plain values and empty ones are leaves.

    >>> flatten({"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 3}]})
    {'a.b': 1, 'a.c': [1, 2], 'd.0.e': 3}
    """
    found: dict[str, Any] = {}
    _flatten_into(found, tree, ())
    return found


def _flatten_into(found: dict[str, Any], node: Any, path: tuple[str, ...]) -> None:
    if isinstance(node, Mapping) and (node or not path):
        for key, child in cast(Mapping[str, Any], node).items():
            _flatten_into(found, child, (*path, key))
    elif isinstance(node, list) and _is_block_list(cast(list[Any], node)):
        for index, child in enumerate(cast(list[Any], node)):
            _flatten_into(found, child, (*path, str(index)))
    else:
        found[".".join(path)] = node


def _is_block_list(items: list[Any]) -> bool:
    return any(isinstance(item, dict | list) and bool(cast(Any, item)) for item in items)


def dump_yaml(tree: Mapping[str, Any], comments: Mapping[str, str] | None = None) -> str:
    """YAML text of a plain tree, keys in their order, with ``comments`` (by dotted path of a leaf) in one column.

    ``parse_yaml`` of the text gives the tree back.
    """
    lines: list[tuple[str, str]] = []
    _dump_into(lines, tree, (), "", comments or {})
    width = max((len(text) for text, comment in lines if comment and len(text) <= _COMMENT_COLUMN_MAX), default=0)
    return "".join(f"{text:<{width}}  # {comment}\n" if comment else f"{text}\n" for text, comment in lines)


def _dump_into(
    lines: list[tuple[str, str]], node: Any, path: tuple[str, ...], indent: str, comments: Mapping[str, str]
) -> None:
    """Append the lines of a mapping or a list of mappings."""
    entries = (
        [(f"{_scalar(str(key))}:", str(key), child) for key, child in cast(Mapping[str, Any], node).items()]
        if isinstance(node, Mapping)
        else [("-", str(index), child) for index, child in enumerate(cast(list[Any], node))]
    )
    for label, key, child in entries:
        where = (*path, key)
        if (isinstance(child, Mapping) and child) or (
            isinstance(child, list) and _is_block_list(cast(list[Any], child))
        ):
            lines.append((f"{indent}{label}", ""))
            _dump_into(lines, child, where, indent + "  ", comments)
        else:
            lines.append((f"{indent}{label} {_flow(child)}", comments.get(".".join(where), "")))


def _flow(value: Any) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_flow(item) for item in cast(list[Any], value))}]"
    return "{}" if isinstance(value, Mapping) else _scalar(value)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, str):
        if _PLAIN_TEXT.fullmatch(value) and value.lower() not in _WORDS_WITH_MEANING:
            return value
        return _NOT_PRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(value, ensure_ascii=False))
    return str(value)


def _float(value: float) -> str:
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    mantissa, exponent, power = repr(value).partition("e")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}{exponent}{power}"
