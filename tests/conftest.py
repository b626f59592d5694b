"""What all tests share: fixed hypothesis runs, and a word on stages of ``tools/test.py`` that failed before pytest."""

from __future__ import annotations

import os
from typing import Any

from hypothesis import HealthCheck, settings

# The same examples on every machine, and no time limit for a single one: the machine may be busy.
settings.register_profile(
    "metta", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("metta")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """``tools/test.py`` ends with pytest's closing line; what failed earlier is said right above it."""
    failed = os.environ.get("METTA_FAILED_STAGES")
    if failed:
        terminalreporter.write_line(f"Failed before pytest: {failed}", red=True, bold=True)
