"""metta/rl/world.py: a world of one, and means over rows."""

from __future__ import annotations

import math

import pytest
import torch

from metta.rl.world import SOLO, mean_of


def test_alone_everything_is_agreed_at_once() -> None:
    assert SOLO.broadcast({"a": 1}, "x") == {"a": 1}
    assert SOLO.any(True, "x")
    assert not SOLO.any(False, "x")
    assert SOLO.seed(5) == 5
    tensor = torch.ones(2)
    assert SOLO.mean(tensor) is tensor
    with pytest.raises(ZeroDivisionError), SOLO.together("a part"):
        raise ZeroDivisionError
    assert SOLO.has_agreed_on(ValueError())


def test_means_are_weighted_and_nobody_hides_what_is_not_a_number() -> None:
    assert mean_of([{"a": 1.0}, {"a": 5.0}], [3, 1]) == {"a": 2.0}
    assert mean_of([{"a": 1.0}, {"a": 5.0}], [0, 0]) == {"a": 3.0}
    assert math.isnan(mean_of([{"a": math.nan}, {"a": 5.0}])["a"])
    assert mean_of([{"a": 1.0}, {}], [1, 9]) == {"a": 1.0}
