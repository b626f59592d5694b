"""Pydantic's faults as messages for people: the key to change, what we got, what was expected, where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from metta.common.config_faults import key_of, own_words
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.tools.resolved import CLASS_DEFAULT, origin_of

_EXPECTED = {
    "int_parsing": "a whole number such as 10, 1e6, 1_000_000 or 10M",
    "int_type": "a whole number such as 10, 1e6, 1_000_000 or 10M",
    "int_from_float": "a whole number",
    "float_parsing": "a number such as 0.5 or 1e-3",
    "float_type": "a number such as 0.5 or 1e-3",
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "string_type": "text",
    "tuple_type": "a list such as [1,2]",
    "list_type": "a list such as [1,2]",
    "dict_type": "a mapping such as {a:1}",
    "model_type": "a section: set its keys one by one, or write {key:value}",
    "model_attributes_type": "a section: set its keys one by one, or write {key:value}",
}
_MAX_FAULTS = 8
_MAX_SHOWN = 80


def config_error(error: ValidationError, tree: Mapping[str, Any], origins: Mapping[str, str]) -> ConfigError:
    """One ``ConfigError`` for all faults, a line each."""
    faults = error.errors(include_url=False)
    lines = [_line(fault, tree, origins) for fault in faults[:_MAX_FAULTS]]
    if len(faults) > _MAX_FAULTS:
        lines.append(f"... and {len(faults) - _MAX_FAULTS} more.")
    return ConfigError("\n".join(dict.fromkeys(lines)))


def value_error(key: str, text: str, error: ValidationError) -> ConfigError:
    """For one value that stands alone, such as a recipe's argument."""
    fault = error.errors(include_url=False)[0]
    return ConfigError(f"{key}={text}: expected {_expected(fault)}.{_hint(fault)}")


def _line(fault: ErrorDetails, tree: Mapping[str, Any], origins: Mapping[str, str]) -> str:
    key = key_of(fault["loc"], tree)
    kind = fault["type"]
    message = own_words(fault)
    if message is not None:
        # A check over several keys names them itself; one of a single key may not.
        return message if not key or key.rpartition(".")[2] in message else f"{key}: {message}"
    if kind == "missing":
        return f"{key} is missing. Set {key}=<value>."
    if kind == "extra_forbidden":
        return f"{key}: no such key{_from(key, origins)}."
    got = "" if isinstance(fault["input"], Mapping) else f"={_shown(fault['input'])}"
    return f"{key}{got}: expected {_expected(fault)}{_from(key, origins)}.{_hint(fault)}"


def _expected(fault: ErrorDetails) -> str:
    text = _EXPECTED.get(fault["type"])
    if fault["type"] == "string_pattern_mismatch":
        text = f"the form {fault.get('ctx', {}).get('pattern', '').removeprefix('^').removesuffix('$')}"
    return text or fault["msg"].removeprefix("Input should be ").rstrip(".")


def _hint(fault: ErrorDetails) -> str:
    if fault["type"] not in ("literal_error", "enum") or not isinstance(fault["input"], str):
        return ""
    expected = str(fault.get("ctx", {}).get("expected", "")).replace(" or ", ", ")
    return did_you_mean(fault["input"], [option.strip().strip("'") for option in expected.split(",")])


def _from(key: str, origins: Mapping[str, str]) -> str:
    """`` (from configs/...)`` for what the user did not just type."""
    origin = origin_of(key, origins)
    return "" if origin in (CLASS_DEFAULT, "command line") else f" (from {origin})"


def _shown(value: Any) -> str:
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _MAX_SHOWN else text[: _MAX_SHOWN - 1] + "…"
