"""Pydantic's faults in words."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, TypeAdapter, ValidationError

from metta.common.config import Config
from metta.common.config_faults import describe_validation_error, key_of
from metta.common.errors import ConfigError


class Cave(Config):
    type: Literal["cave"] = "cave"
    width: int = Field(default=5, gt=2, lt=9)


class House(Config):
    type: Literal["house"] = "house"
    rooms: int = Field(default=1, le=4)


class Place(Config):
    map: Annotated[Cave | House, Field(discriminator="type")] = Cave()
    name: str


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ({"width": 2}, "map.width: Input should be greater than 2, got 2. Set map.width to more than 2"),
        ({"width": 9}, "map.width: Input should be less than 9, got 9. Set map.width to less than 9"),
        (
            {"type": "house", "rooms": 5},
            "map.rooms: Input should be less than or equal to 4, got 5. Set map.rooms to 4 or less",
        ),
        ({"type": "house", "room": 5}, "map.room: no such key. Did you mean 'rooms'?"),
    ],
)
def test_keys_are_those_that_a_user_writes(values: dict[str, Any], text: str) -> None:
    """The names that pydantic gives a union's members are left out, and unknown keys name their section's nearest."""
    with pytest.raises(ConfigError) as caught:
        Place.model_validate({"name": "x", "map": {"type": "cave", **values}})
    assert str(caught.value) == f"Place: {text}"


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match=r"^Place: name: missing\. Set it$"):
        Place()  # pyright: ignore[reportCallIssue]


def test_large_values_are_left_out_and_equal_faults_are_said_once() -> None:
    with pytest.raises(ValidationError) as caught:
        TypeAdapter(dict[str, int]).validate_python({"a": ["x" * 100], "b": 1.5})
    text = describe_validation_error(caught.value)
    assert text == "a: Input should be a valid integer; " + (
        "b: Input should be a valid integer, got a number with a fractional part, got 1.5"
    )


def test_key_of_leaves_out_tags() -> None:
    tree = {"many": [{"type": "cave", "width": 1}]}
    assert key_of(("many", 0, "cave", "width"), tree) == "many.0.width"
    assert key_of(("many", 0, "cave", "height"), tree) == "many.0.height"
