"""Safe points."""

from __future__ import annotations

import pytest

from metta.rl.context import StopRequested, check_stop
from metta.rl.signals import StopFlag


def test_a_set_flag_leaves_at_the_next_safe_point() -> None:
    stop = StopFlag()
    check_stop(stop)
    stop.set(2)
    with pytest.raises(StopRequested):
        check_stop(stop)
