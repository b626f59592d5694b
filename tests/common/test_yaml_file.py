"""YAML that can be trusted."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metta.common.errors import ConfigError
from metta.common.yaml_file import MAX_BYTES, dump_yaml, flatten, parse_yaml, read_yaml, to_plain

_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.sampled_from(
        ["yes", "null", "1e5", ".inf", "a: b", "- x", "#c", "", "file://./x:v1.mpt", "0x1f", "12:30", "=", "~"]
    ),
).filter(lambda value: not isinstance(value, str) or "${" not in value)
_KEYS = st.text(st.characters(exclude_categories=["Cs"]), max_size=8).filter(lambda key: key != "_target_")
_TREES = st.dictionaries(
    _KEYS,
    st.recursive(
        _SCALARS, lambda child: st.lists(child, max_size=3) | st.dictionaries(_KEYS, child, max_size=3), max_leaves=12
    ),
    max_size=4,
)


@given(_TREES)
def test_what_is_written_is_read_back(tree: dict[str, Any]) -> None:
    assert parse_yaml(dump_yaml(tree), "text") == tree


@given(_TREES)
def test_comments_change_nothing(tree: dict[str, Any]) -> None:
    comments = dict.fromkeys(flatten(tree), "command line")
    assert parse_yaml(dump_yaml(tree, comments), "text") == tree


def test_types_survive() -> None:
    tree = {"a": 1.0, "b": 1e-5, "c": 1, "d": "1", "e": True, "f": math.inf}
    read = parse_yaml(dump_yaml(tree), "text")
    assert {key: type(value) for key, value in read.items()} == {key: type(value) for key, value in tree.items()}


@pytest.mark.parametrize("text", ["1e-3", "1.5", "-2E+4", ".5", "3."])
def test_numbers_as_people_write_them(text: str) -> None:
    assert parse_yaml(f"a: {text}", "text") == {"a": float(text)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [1]\nb: *x", r"file:1 has an anchor or alias"),
        ("a: !!python/object/apply:os.system ['true']", r"file:1 has the tag"),
        ("a: !!binary aGk=", r"has the tag"),
        ("a: 1\na: 2", r"file:2 is not valid YAML: the key 'a' repeats"),
        ("trainer:\n  _target_: os.system", r"'trainer\._target_' is refused"),
        ("a: [{b: '${oc.env:HOME}'}]", r"a\.0\.b='\$\{oc\.env:HOME\}' is an interpolation"),
        ("- 1", r"holds a list"),
        ("a: [1", r"is not valid YAML"),
        ("1: 2", r"the key 1 is no text"),
        ("a: " + "[" * 50 + "]" * 50, r"deeper than 40"),
    ],
)
def test_tricks_are_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_yaml(text, "file")


def test_targets_are_text_for_who_asks_for_them() -> None:
    text = "a: {_target_: os.system, b: '${x}'}"
    with pytest.raises(ConfigError, match="interpolation"):
        parse_yaml(text, "file", allow_targets=True)
    assert parse_yaml("a: {_target_: os.system}", "file", allow_targets=True) == {"a": {"_target_": "os.system"}}


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    with pytest.raises(ConfigError, match="No such file"):
        read_yaml(path)
    path.write_text("# nothing\n")
    assert read_yaml(path) == {}
    path.write_bytes(b"a: \xff")
    with pytest.raises(ConfigError, match="not a UTF-8"):
        read_yaml(path)
    path.write_text("a: " + "x" * MAX_BYTES)
    with pytest.raises(ConfigError, match="larger than 256 KiB"):
        read_yaml(path)


def test_plain_data() -> None:
    assert to_plain({"a": (1, 2), "b": Path("x"), "c": frozenset({2, 1})}) == {"a": [1, 2], "b": "x", "c": [1, 2]}
