from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metta.rl.context import UpdateStats
from metta.rl.monitor.part import MonitorPart


def test_a_bare_part_adds_nothing(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    part = MonitorPart()
    part.load_state_dict(part.state_dict())
    part.start(ctx)
    assert {**part.determined(ctx, stats()), **part.measured(ctx, stats())} == {}
    part.close()
