"""Clocks jump: daylight saving, corrections, 1970. Durations and deadlines are measured by clocks that do not."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WALL_CLOCK = re.compile(r"\btime\.(time|time_ns)\(|\bdatetime\.(now|utcnow|today)\(")
SAYS_WHEN = {"metta/tracking/tensorboard.py", "metta/rl/control/commands.py"}
"""TensorBoard's events carry the time of day, and names of control commands sort by it."""


def test_the_wall_clock_measures_nothing() -> None:
    paths = [path for folder in ("metta", "recipes", "tools") for path in (ROOT / folder).rglob("*.py")]
    assert len(paths) > 200
    found = {path.relative_to(ROOT).as_posix() for path in paths if WALL_CLOCK.search(path.read_text())}
    assert found == SAYS_WHEN
