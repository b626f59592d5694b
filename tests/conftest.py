"""What all tests share: fixed hypothesis runs, and a word on stages of ``tools/test.py`` that failed before pytest."""

from __future__ import annotations

import logging
import multiprocessing
import os
import signal
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# The same examples on every machine, and no time limit for a single one: the machine may be busy.
settings.register_profile(
    "metta", derandomize=True, deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("metta")

# As on the command line. Importing torchrl, which one of the tests does, makes it "spawn" where nobody has chosen, and
# workers that are started anew know nothing of what a test has registered.
multiprocessing.set_start_method("fork", force=True)
# Under nohup SIGHUP is ignored, here and in every process that a test starts.
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Each test has its own handlers on the ``metta`` logger: a command that ran in this process leaves some there."""
    logger = logging.getLogger("metta")
    handlers, propagate, level = list(logger.handlers), logger.propagate, logger.level
    yield
    for handler in [handler for handler in logger.handlers if handler not in handlers]:
        logger.removeHandler(handler)
        handler.close()
    logger.handlers[:], logger.propagate = handlers, propagate
    logger.setLevel(level)


@pytest.fixture(autouse=True)
def signals_as_before() -> Iterator[None]:
    """A training in this process leaves SIGUSR1 ignored, as it must until a process ends; what a later test starts
    would ignore it too, and a shell cannot trap what it was started to ignore.
    """
    before = {signum: signal.getsignal(signum) for signum in (signal.SIGUSR1, signal.SIGHUP, signal.SIGINT)}
    yield
    for signum, handler in before.items():
        if signal.getsignal(signum) is not handler:
            signal.signal(signum, handler)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """``tools/test.py`` ends with pytest's closing line; what failed earlier is said right above it."""
    failed = os.environ.get("METTA_FAILED_STAGES")
    if failed:
        terminalreporter.write_line(f"Failed before pytest: {failed}", red=True, bold=True)
