"""Values read by the type of their field; the fast path against Hydra's own parser."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.errors import HydraException
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from metta.cli.values import NOT_PLAIN, read_plain, read_value
from metta.common.errors import ConfigError

_NUMBERISH = st.from_regex(r"[+-]?[0-9_.]{1,6}(?:[eE][+-]?[0-9_]{1,2})?", fullmatch=True)
_WORDISH = st.from_regex(r"[A-Za-z0-9_.+-]{0,8}", fullmatch=True)
_ANYTHING = st.text(max_size=8)
_KNOWN = st.sampled_from(
    ["true", "TRUE", "False", "null", "Null", "inf", "nan", "1_000", "01", "1__0", "1e6", "1.", ".5", "-0", "x"]
)


@settings(max_examples=400)
@given(st.one_of(_NUMBERISH, _WORDISH, _ANYTHING, _KNOWN))
def test_fast_path_reads_what_hydra_reads(text: str) -> None:
    """Where the fast path answers, Hydra's parser gives the same value of the same type."""
    fast = read_plain(text)
    if fast is NOT_PLAIN:
        return
    try:
        slow: Any = OverridesParser.create().parse_override(f"key={text}").value()
    except HydraException as error:
        raise AssertionError(f"the fast path reads {text!r} as {fast!r}, Hydra refuses it") from error
    assert (type(fast), fast) == (type(slow), slow)


@pytest.mark.parametrize("text", ["12", "-3", "1_000_000", "1e6", "0.5", "true", "null", "adam"])
def test_common_values_take_the_fast_path(text: str) -> None:
    assert read_plain(text) is not NOT_PLAIN


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1e6", 1_000_000),
        ("1_000_000", 1_000_000),
        ("10M", 10_000_000),
        ("1.5k", 1500),
        ("2B", 2_000_000_000),
        ("-3", -3),
    ],
)
def test_integers_as_people_write_them(text: str, expected: int) -> None:
    for annotation in (int, Annotated[int, Field(ge=1)], int | None):
        value = read_value("key", text, annotation)
        assert (type(value), value) == (int, expected)


def test_a_fraction_is_left_for_pydantic_to_refuse() -> None:
    assert read_value("key", "1.5", int) == 1.5
    assert read_value("key", "1.0001k", int) == 1000.1


@pytest.mark.parametrize(
    "text", ["1e5", "null", "true", "a=b.mpt", "file://~/x", "a,b", "${oc.env:HOME}", "", "[x]", "'q'"]
)
@pytest.mark.parametrize("annotation", [str, str | None, Literal["a", "b"], Path])
def test_text_is_taken_raw(text: str, annotation: Any) -> None:
    assert read_value("key", text, annotation) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("mock://random", ["mock://random"]),
        ("[file://~/a:v1.mpt, 1e5]", ["file://~/a:v1.mpt", "1e5"]),
        ("['a, b',\"c\"]", ["a, b", "c"]),
        ("[]", []),
        ("[a]", ["a"]),
    ],
)
def test_lists_of_text(text: str, expected: list[str]) -> None:
    assert read_value("key", text, tuple[str, ...]) == expected


@pytest.mark.parametrize(
    ("text", "annotation", "expected"),
    [
        ("[1,2e0]", tuple[int, ...], [1, 2.0]),
        ("{a:1,b:[x]}", dict[str, Any], {"a": 1, "b": ["x"]}),
        ("null", int | None, None),
        ("-1e-3", float, -1e-3),
        ("'quoted'", Any, "quoted"),
        ("false", bool, False),
    ],
)
def test_hydra_reads_the_rest(text: str, annotation: Any, expected: Any) -> None:
    assert read_value("key", text, annotation) == expected


def test_interpolations_are_never_resolved(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "hunter2")
    assert read_value("key", "${oc.env:SECRET}", Any) == "${oc.env:SECRET}"


@pytest.mark.parametrize(
    ("text", "annotation", "message"),
    [
        ("1,2", int, r"write key=\[1,2\]"),
        ("range(1,3)", int, r"sweeps"),
        ("a,b", tuple[str, ...], r"write key=\[a,b\]"),
        ("{a:", dict[str, int], r"cannot be read"),
        ("x" * 70_000, str, r"at most 65536"),
    ],
)
def test_what_is_refused(text: str, annotation: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        read_value("key", text, annotation)
