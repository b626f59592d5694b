"""Values read by their field's type. Hydra's parser reads everything that is no text or plain number."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, cast, get_args, get_origin

from metta.common.config import Config
from metta.common.errors import ConfigError

_WHOLE, _DIGITS = r"(?:0|[1-9](?:_?\d)*)", r"\d(?:_?\d)*"
_INTEGER = re.compile(rf"[+-]?{_WHOLE}", re.ASCII)
_DECIMAL = re.compile(rf"[+-]?(?:{_WHOLE}\.(?:{_DIGITS})?(?:[eE][+-]?{_DIGITS})?|{_WHOLE}[eE][+-]?{_DIGITS})", re.ASCII)
_SCALED = re.compile(r"([+-]?\d[\d_]*(?:\.\d+)?)([kKMB])", re.ASCII)
_SCALES = {"k": 10**3, "K": 10**3, "M": 10**6, "B": 10**9}
_PLAIN_WORD = re.compile(r"[A-Za-z_]\w*", re.ASCII)
_NO_WORDS = frozenset({"true", "false", "null", "inf", "nan"})
_CONSTANTS: dict[str, object] = {"true": True, "false": False, "null": None}
_MAX_TEXT = 64 * 1024

_MSG_SWEEP = (
    "{key}={text}: a list of values sweeps, and sweeps come with the sweep tool. For a list, write {key}=[{text}]; "
    "otherwise start one run for each value."
)


class _NotPlain:
    """Marks text that the fast path leaves to Hydra's parser."""


NOT_PLAIN = _NotPlain()


def read_value(key: str, text: str, annotation: Any) -> Any:
    """The value of ``key=text`` for a field of type ``annotation``; pydantic checks it afterwards.

    Text fields take the raw words. Integers also take ``1e6``, ``1_000_000`` and ``10M``. A list of text takes
    ``[a,b]`` with raw words, and a bare word as a list of one.

    Raises:
        ConfigError: the text is no value of Hydra's grammar, or a sweep.
    """
    if len(text) > _MAX_TEXT:
        raise ConfigError(f"{key}: the value has {len(text)} characters, at most {_MAX_TEXT} are read.")
    kinds = members_of(annotation)
    if kinds and all(_is_text(kind) for kind in kinds):
        return text
    if any(_is_list_of_text(kind) for kind in kinds):
        return _read_words(key, text)
    integers = any(kind is int for kind in kinds) and not any(kind is float for kind in kinds)
    if integers and (match := _SCALED.fullmatch(text)):
        return _whole(float(match[1]) * _SCALES[match[2]]) if "." in match[1] else int(match[1]) * _SCALES[match[2]]
    value = read_plain(text)
    if value is NOT_PLAIN:
        if any(_is_text(kind) for kind in kinds) and not text.startswith(("[", "{", "'", '"')):
            return text
        value = read_with_hydra(key, text)
    return _whole(value) if integers and isinstance(value, float) else value


def read_plain(text: str) -> object:
    """A number, true, false, null or a word, exactly as Hydra's parser reads it; else ``NOT_PLAIN``."""
    if (lowered := text.lower()) in _CONSTANTS and text.isascii():
        return _CONSTANTS[lowered]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _PLAIN_WORD.fullmatch(text) and lowered not in _NO_WORDS:
        return text
    return float(text) if _DECIMAL.fullmatch(text) else NOT_PLAIN


def read_with_hydra(key: str, text: str) -> Any:
    """``text`` read by Hydra's grammar: lists, mappings, quoted text, casts.

    Raises:
        ConfigError: it is not in the grammar, or sweeps.
    """
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.core.override_parser.types import QuotedString
    from hydra.errors import HydraException

    try:
        override = OverridesParser.create().parse_override(f"key={text}")
    except HydraException as error:
        reason = str(error).splitlines()[0].strip()
        raise ConfigError(
            f"{key}={text}: cannot be read ({reason}). Quote text that has special characters: {key}='\"...\"'."
        ) from error
    if override.is_sweep_override():
        raise ConfigError(_MSG_SWEEP.format(key=key, text=text))
    return _plain_elements(cast(Any, override).value(), QuotedString)


def members_of(annotation: Any) -> tuple[Any, ...]:
    """The alternatives of a type without ``None`` and ``Annotated``: ``int | None`` is ``(int,)``."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members_of(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return tuple(kind for member in get_args(annotation) for kind in members_of(member))
    return () if annotation in (None, NoneType) else (annotation,)


def allows_none(annotation: Any) -> bool:
    """Whether ``None`` is a value of the type."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return allows_none(get_args(annotation)[0])
    if origin in (Union, UnionType):
        return any(allows_none(member) for member in get_args(annotation))
    return annotation in (None, NoneType)


def config_members(annotation: Any) -> tuple[type[Config], ...]:
    """The config classes among the alternatives of a type."""
    return tuple(kind for kind in members_of(annotation) if isinstance(kind, type) and issubclass(kind, Config))


def element_type(annotation: Any) -> Any:
    """The type of a list's or tuple's elements, or of a mapping's values; None when it is neither."""
    for kind in members_of(annotation):
        origin, arguments = get_origin(kind), get_args(kind)
        if origin in (list, tuple, set, frozenset, Sequence) and arguments:
            return arguments[0]
        if is_mapping(kind) and len(arguments) == 2:
            return arguments[1]
    return None


def is_mapping(kind: Any) -> bool:
    """Whether a type is a dict or another mapping."""
    origin = get_origin(kind) or kind
    return isinstance(origin, type) and issubclass(origin, Mapping)


def _is_text(kind: Any) -> bool:
    if get_origin(kind) is Literal:
        return all(isinstance(value, str) for value in get_args(kind))
    return isinstance(kind, type) and (issubclass(kind, str | Path) or (issubclass(kind, Enum) and _has_text(kind)))


def _has_text(kind: type[Enum]) -> bool:
    return all(isinstance(member.value, str) for member in kind)


def _is_list_of_text(kind: Any) -> bool:
    element = element_type(kind) if get_origin(kind) in (list, tuple, set, frozenset) else None
    kinds = members_of(element) if element is not None else ()
    return bool(kinds) and all(_is_text(kind) for kind in kinds)


def _read_words(key: str, text: str) -> list[str]:
    """``[a, 'b c']`` or a bare word. Words stay raw, so ``[1e5]`` is the text ``1e5``."""
    if not (text.startswith("[") and text.endswith("]")):
        if "," in text:
            raise ConfigError(_MSG_SWEEP.format(key=key, text=text))
        return [text]
    words = re.findall(r"""\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[^,]*?)\s*(?:,|$)""", text[1:-1])
    if words and words[-1] == "":  # the end of the text matches once more
        words.pop()
    return [_unquoted(word) for word in words]


def _unquoted(word: str) -> str:
    quoted = len(word) >= 2 and word[0] == word[-1] and word[0] in "'\""
    return re.sub(r"\\(['\"\\])", r"\1", word[1:-1]) if quoted else word


def _whole(value: float) -> int | float:
    """``1e6`` as an integer; a fraction stays, so that pydantic can say what is wrong with it."""
    return int(value) if value.is_integer() else value


def _plain_elements(value: Any, quoted: type) -> Any:
    """Hydra's quoted strings as text, within lists and mappings too."""
    if isinstance(value, quoted):
        return value.text
    if isinstance(value, list):
        return [_plain_elements(item, quoted) for item in cast(list[Any], value)]
    if isinstance(value, dict):
        return {str(key): _plain_elements(item, quoted) for key, item in cast(dict[Any, Any], value).items()}
    return value
