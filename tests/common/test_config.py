"""Frozen configs that are rebuilt instead of changed."""

from __future__ import annotations

import pytest
from pydantic import Field, ValidationError

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
    with pytest.raises(ValidationError):
        Inner.model_validate({"step": 3})


def test_copy_shares_nothing() -> None:
    outer = Outer(by_name={"x": Inner()})
    assert outer.copy().by_name is not outer.by_name
    assert outer.copy() == outer
