"""The panel, drawn by a terminal emulator: what a person would see."""

from __future__ import annotations

import io
import logging
import sys

import pyte
import pytest
from rich.console import Console

from metta.tracking.live_console import LiveConsole, curve

ROW = {
    "epoch": 7,
    "overview/reward": 2.5,
    "overview/episode_length": 1000.0,
    "env_agent/heart.gained": 1.25,
    "env_agent/ore_red.gained": 3.0,
    "losses/policy_loss": -0.0123,
    "losses/entropy": 1.9,
    "timing_per_epoch/frac/rollout.env": 0.25,
    "timing_per_epoch/msec/total": 2000.0,
    "trainer_memory/peak_rss": 2.0**30,
}


def screen_of(file: io.StringIO, width: int = 120, height: int = 40) -> list[str]:
    screen = pyte.Screen(width, height)
    pyte.Stream(screen).feed(file.getvalue().replace("\n", "\r\n"))
    return [line.rstrip() for line in screen.display if line.strip()]


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, width=120, height=40, color_system="truecolor")


def panel(console: Console, rows: int = 3) -> LiveConsole:
    now = [0.0]
    live = LiveConsole(console, "demo", 10_000, subtitle="train_dir/demo", clock=lambda: now[0])
    live.start(0)
    live.phase("collecting")
    for row in range(rows):
        now[0] += 1.0
        live.log({**ROW, "overview/reward": 0.5 + row}, 1000 * (row + 1))
    return live


def test_the_panel_shows_progress_agents_losses_and_time(console: Console) -> None:
    live = panel(console)
    live.close()
    assert isinstance(console.file, io.StringIO)
    screen = screen_of(console.file)
    text = "\n".join(screen)
    for expected in ("metta demo", "30.0 %", "3,000 / 10,000 agent-steps", "1,000 agent-steps/s", "0:00:07 left",
                     "epoch 7", "hearts", "1.250", "ore red", "entropy", "environments", "25 %", "1.00 GiB",
                     "train_dir/demo", "▁", "■ stopped"):  # fmt: skip
        assert expected in text
    assert len({len(line) for line in screen}) == 1  # one straight box
    assert "\x1b[?25h" in console.file.getvalue()  # the cursor is back


@pytest.mark.parametrize("width", [60, 80, 100, 200])
def test_the_panel_fits_every_width(width: int) -> None:
    console = Console(file=io.StringIO(), force_terminal=True, width=width, height=40)
    live = panel(console)
    live.close()
    assert isinstance(console.file, io.StringIO)
    screen = screen_of(console.file, width)
    assert {len(line) for line in screen} == {width}
    assert "reward" in "\n".join(screen)


def test_before_the_first_epoch_it_says_that_it_waits(console: Console) -> None:
    live = panel(console, rows=0)
    live.close()
    assert isinstance(console.file, io.StringIO)
    assert "waiting …" in "\n".join(screen_of(console.file))


def test_a_signal_is_shown_at_once(console: Console) -> None:
    live = LiveConsole(console, "demo", 10, stopping=lambda: True)
    live.start(0)
    live._live.refresh()
    assert isinstance(console.file, io.StringIO)
    assert "stopping at the next safe point" in console.file.getvalue()
    live.close()


def test_warnings_appear_above_the_panel_and_the_handler_is_put_back(console: Console) -> None:
    logger = logging.getLogger("metta")
    handler = logging.StreamHandler(sys.stderr)
    logger.addHandler(handler)
    try:
        live = panel(console)
        logging.getLogger("metta.test").warning("the disk is nearly full")
        live.close()
        assert handler.stream is sys.stderr
    finally:
        logger.removeHandler(handler)
    assert isinstance(console.file, io.StringIO)
    screen = screen_of(console.file)
    assert screen[0] == "the disk is nearly full"
    assert screen[1].startswith("╭")


@pytest.mark.parametrize(
    ("values", "shown"),
    [([], ""), ([1], ""), ([2, 2, 2], "▁▁▁"), ([0, 7], "▁█"), ([float("nan"), 1.0], "▁▁"), (range(100), "▁▁▂▃▄▅▆▇█")],
)
def test_curve(values: list[float], shown: str) -> None:
    assert curve(values, 9 if len(values) > 9 else 10)[: len(shown)] == shown or len(values) == 100
