"""Keys of the replay viewer, and frames in a pipe."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from metta.agent.policies.mock import build_mock_policy
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.replay.reader import ReplayPlayer
from metta.sim.replay_log_writer import record_episode
from metta.sim.terminal.replay_session import KEYS, ReplaySession, print_replay


@pytest.fixture
def session() -> Iterator[ReplaySession]:
    config = make_arena(3).replace({"game.max_steps": 25})
    replay = record_episode(config, lambda spec: build_mock_policy("random", spec), seed=0)
    player = ReplayPlayer(replay)
    yield ReplaySession(player, steps_per_second=20)
    player.close()


def test_keys_go_through_time(session: ReplaySession) -> None:
    steps: list[int] = []
    for key in ("right", "page_down", "page_down", "page_down", "left", "home", "end", "page_up"):
        session.press(key)
        steps.append(session.player.step)
    assert steps == [1, 11, 21, 25, 24, 0, 25, 15]
    assert session.paused


def test_playing_stops_at_the_end_and_starts_again(session: ReplaySession) -> None:
    session.tick(20)
    assert not session.paused
    session.tick(20)
    assert session.paused
    assert session.status().startswith("the end")
    session.press("space")
    assert (session.player.step, session.paused) == (0, False)


def test_agents_and_speed(session: ReplaySession) -> None:
    for key, selected in (("tab", 1), ("tab", 2), ("tab", 0), ("back_tab", 2)):
        session.press(key)
        assert session.selected == selected
    session.press("+")
    assert session.steps_per_second == 50
    session.press("-")
    session.press("-")
    assert session.steps_per_second == 10
    session.press("q")
    assert session.finished


def test_a_pipe_gets_plain_frames(session: ReplaySession) -> None:
    console = Console(file=io.StringIO(), width=80)
    print_replay(session.player, console, frame_every=10)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert [f"step {step}/25" in text for step in (0, 10, 20, 25)] == [True] * 4
    assert text.count("reward per agent") == 4
    assert "\x1b" not in text


def test_the_keys_fit_on_a_line() -> None:
    assert len(KEYS) <= 80
