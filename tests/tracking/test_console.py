from __future__ import annotations

import io

import pytest
from rich.console import Console

from metta.tracking.console import LineConsole, Pace, clock_text, make_console_logger, number_text
from metta.tracking.live_console import LiveConsole

ROW = {"epoch": 3, "overview/reward": 1.5, "env_agent/heart.gained": 0.25, "losses/policy_loss": -0.01}


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lines_of(console: Console) -> list[str]:
    file = console.file
    assert isinstance(file, io.StringIO)
    return file.getvalue().splitlines()


def test_pace_follows_the_last_epochs(clock: Clock) -> None:
    pace = Pace(1000, clock, window=3)
    pace.start(100)
    assert pace.seconds_left is None
    for step, seconds in ((200, 100.0), (300, 10.0), (400, 10.0)):
        clock.now += seconds
        pace.mark(step)
    assert pace.steps_per_second == 10.0  # the slow first epoch has left the window
    assert pace.seconds_left == 60.0
    assert (pace.elapsed, pace.fraction) == (120.0, 0.4)


def test_a_line_comes_every_ten_seconds_and_for_the_first_and_last_epoch(clock: Clock) -> None:
    console = Console(file=io.StringIO(), width=200)
    logger = LineConsole(console, "demo", 60, clock)
    logger.start(0)
    for epoch in range(1, 61):
        clock.now += 1.0
        logger.log({"epoch": epoch}, epoch)
    epochs = [int(line.split("epoch ")[1].split()[0]) for line in lines_of(console)]
    assert epochs == [1, 11, 21, 31, 41, 51, 60]


def test_a_line_tells_progress_speed_and_learning(clock: Clock) -> None:
    console = Console(file=io.StringIO(), width=40)  # narrower than the line: it must not wrap
    logger = LineConsole(console, "demo", 10_000, clock)
    logger.start(0)
    clock.now = 2.0
    logger.log(ROW, 2500)
    assert lines_of(console) == [
        "demo: epoch 3  25.0%  2,500/10,000 agent-steps  1,250/s  eta 0:00:06  reward 1.500  hearts 0.250  "
        "policy_loss -0.010"
    ]


@pytest.mark.parametrize("environ", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_terminals_that_want_it_plain_get_no_control_sequences(
    environ: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    for key, value in environ.items():
        monkeypatch.setenv(key, value)
    file = io.StringIO()
    logger = make_console_logger("demo", 100, console=Console(file=file, force_terminal=True))
    logger.start(0)
    logger.log(ROW, 50)
    logger.close()
    assert "\x1b" not in file.getvalue()
    assert "50/100" in file.getvalue()


def test_pipes_get_lines_and_terminals_the_panel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    assert isinstance(make_console_logger("demo", 1, console=Console(file=io.StringIO())), LineConsole)
    terminal = Console(file=io.StringIO(), force_terminal=True)
    assert isinstance(make_console_logger("demo", 1, console=terminal), LiveConsole)


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00:00"), (3599.7, "1:00:00"), (None, "-:--:--")])
def test_clock_text(seconds: float | None, text: str) -> None:
    assert clock_text(seconds) == text


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0.000"), (123.456, "123.5"), (-0.5, "-0.500"), (2e9, "2.0e+09"), (float("nan"), "nan")]
)
def test_number_text(value: float, text: str) -> None:
    assert number_text(value) == text
