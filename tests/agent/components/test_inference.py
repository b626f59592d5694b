"""What components take over from their inputs and the environment."""

from __future__ import annotations

import pytest

from metta.agent.components.inference import (
    complete,
    needed,
    num_actions_of,
    shape_of,
    size_of,
    token_arguments,
)
from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError


def test_config_is_never_overruled() -> None:
    assert complete({"a": 1}, a=2, b=3, c=None) == {"a": 1, "b": 3}


def test_sizes_that_are_not_known_are_none() -> None:
    shapes = {"x": ("tokens", 3), "y": (None,), "z": (4, 5)}
    assert size_of(shapes, ["x"]) == 3
    assert size_of(shapes, ["x"], 0) is None
    assert size_of(shapes, ["y"]) is None
    assert size_of(shapes, ["missing"]) is None
    assert size_of(shapes, []) is None
    assert (shape_of(shapes, ["z"]), shape_of(shapes, ["x"]), shape_of(shapes, ["missing"])) == ((4, 5), None, None)


def test_environment(token_spec: EnvSpec) -> None:
    assert (num_actions_of(token_spec), num_actions_of(None)) == (5, None)
    found = token_arguments({"width": 4, "numeric_scale": "log"}, token_spec, "TokenBag")
    assert (found["num_tokens"], found["width"], sorted(found)) == (24, 4, ["features", "num_tokens", "width"])
    assert found["features"].weights[17, 1] == pytest.approx(0.1502, abs=1e-4)
    assert token_arguments({"features": 1, "num_tokens": 2}, None, "TokenBag") == {"features": 1, "num_tokens": 2}
    with pytest.raises(ConfigError, match="TokenBag takes its tables from the environment"):
        needed(None, "TokenBag")
