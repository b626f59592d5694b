"""Frozen configs that are rebuilt instead of changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Self

import pytest
from pydantic import Field, ValidationError, model_validator

from metta.common.config import Config
from metta.common.errors import ConfigError


class Inner(Config):
    steps: int = Field(default=1, ge=1)
    names: tuple[str, ...] = ("a",)


class Outer(Config):
    inner: Inner = Inner()
    many: tuple[Inner, ...] = (Inner(), Inner())
    by_name: dict[str, Inner] = Field(default_factory=dict[str, Inner])
    maybe: Inner | None = None


class Nesting(Config):
    wanted: int

    @model_validator(mode="after")
    def _build(self) -> Self:
        Inner(steps=self.wanted)
        return self


def test_replace_reaches_everywhere() -> None:
    outer = Outer(by_name={"x": Inner()}).replace(
        {"inner.steps": 5, "many.1.steps": 6, "by_name.x.steps": 7, "maybe.steps": 8, "inner.names": ("b",)}
    )
    assert (outer.inner.steps, outer.many[1].steps, outer.by_name["x"].steps) == (5, 6, 7)
    assert outer.maybe == Inner(steps=8)
    assert outer.inner.names == ("b",)


def test_replace_leaves_the_original() -> None:
    outer = Outer()
    outer.replace({"inner.steps": 5})
    assert outer.inner.steps == 1


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("inner.step", 2, "has no key 'inner.step'. Did you mean 'steps'"),
        ("inner.steps", 0, "greater than or equal to 1"),
        ("many.7.steps", 2, "expected an index below 2"),
        ("inner.steps.x", 2, "which has no keys"),
    ],
)
def test_what_replace_refuses(path: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        Outer().replace({path: value})


def test_frozen_and_closed() -> None:
    with pytest.raises(ValidationError):
        Inner().steps = 3  # type: ignore[misc]
    with pytest.raises(ConfigError, match="no such key"):
        Inner.model_validate({"step": 3})


@pytest.mark.parametrize(
    "construct",
    [
        lambda: Outer(inner={"steps": 0}, maybe={"steps": "x"}),  # pyright: ignore[reportArgumentType]
        lambda: Outer.model_validate({"inner": {"steps": 0}, "maybe": {"steps": "x"}}),
        lambda: Outer.model_validate_json('{"inner": {"steps": 0}, "maybe": {"steps": "x"}}'),
        lambda: Outer().replace({"inner": {"steps": 0}, "maybe": {"steps": "x"}}),
    ],
    ids=["call", "validate", "json", "replace"],
)
def test_every_construction_names_all_faults_the_same_way(construct: Callable[[], Outer]) -> None:
    with pytest.raises(ConfigError) as caught:
        construct()
    assert str(caught.value) == (
        "Outer: inner.steps: Input should be greater than or equal to 1, got 0. Set inner.steps to 1 or more; "
        "maybe.steps: Input should be a valid integer, unable to parse string as an integer, got 'x'"
    )


def test_replace_names_the_whole_key() -> None:
    with pytest.raises(ConfigError, match=r"^inner: inner\.steps: .* Set inner\.steps to 1 or more$"):
        Outer().replace({"inner.steps": 0})


def test_a_config_built_inside_another_is_reported_once() -> None:
    with pytest.raises(ConfigError, match=r"^Inner: steps: Input should be"):
        Outer(inner=Inner(steps=0))
    with pytest.raises(ConfigError) as caught:
        Nesting(wanted=0)
    assert str(caught.value) == (
        "Nesting: Inner: steps: Input should be greater than or equal to 1, got 0. Set steps to 1 or more"
    )


def test_copy_shares_nothing() -> None:
    outer = Outer(by_name={"x": Inner()})
    assert outer.copy().by_name is not outer.by_name
    assert outer.copy() == outer
