"""Swept functions."""

from __future__ import annotations

import pytest

from metta.agent.network_sweep import sweep
from metta.common.errors import ConfigError


@sweep("a", [1, 2])
@sweep("b", "xy")
def pair(a: int, b: str) -> tuple[int, str]:
    return a, b


def test_all_combinations_in_order() -> None:
    assert pair.generate_all() == [(1, "x"), (1, "y"), (2, "x"), (2, "y")]
    assert pair(3, b="z") == (3, "z")


def test_nothing_and_twice_are_refused() -> None:
    with pytest.raises(ConfigError, match="'c' has no values"):
        sweep("c", [])
    with pytest.raises(ConfigError, match="'a' is swept twice"):
        sweep("a", [3])(pair)
