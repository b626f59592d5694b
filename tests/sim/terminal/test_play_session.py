"""Keys of play: what each of them does, paused and running."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from metta.agent.policies.mock import build_mock_policy
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.sim.terminal.play_game import PlayGame
from metta.sim.terminal.play_session import PlaySession


@pytest.fixture
def session() -> Iterator[PlaySession]:
    game = PlayGame(make_arena(3).replace({"game.max_steps": 5}), lambda spec: build_mock_policy("noop", spec), seed=0)
    yield PlaySession(game, steps_per_second=5, paused=True)
    game.close()


@pytest.fixture
def classic() -> Iterator[PlaySession]:
    config = MettaGridConfig.model_validate(
        {
            "game": {
                "num_agents": 1,
                "resource_names": ["ore", "battery"],
                "actions": {"change_glyph": {"enabled": True}},
                "objects": {
                    "wall": {"type": "wall", "type_id": 1},
                    "mine_red": {
                        "type": "converter",
                        "type_id": 2,
                        "cooldown": 0,
                        "output_resources": {"ore": 1},
                        "initial_resource_count": 1,
                    },
                    "generator_red": {
                        "type": "converter",
                        "type_id": 3,
                        "cooldown": 0,
                        "input_resources": {"ore": 1},
                        "output_resources": {"battery": 1},
                    },
                },
                "map": {"type": "ascii", "rows": ["#####", "#@m.#", "#n..#", "#####"]},
            }
        }
    )
    game = PlayGame(config, lambda spec: build_mock_policy("noop", spec), seed=0)
    yield PlaySession(game, steps_per_second=5, paused=True)
    game.close()


def last_action(session: PlaySession) -> str:
    return session.game.frame().agents[session.game.selected].last_action


@pytest.mark.parametrize(
    ("key", "action"),
    [
        ("up", "move_north"),
        ("down", "move_south"),
        ("left", "move_west"),
        ("right", "move_east"),
        (".", "noop"),
        ("a", "attack_0"),
        ("7", "attack_7"),
    ],
)
def test_paused_each_action_key_is_a_step(session: PlaySession, key: str, action: str) -> None:
    session.press(key)
    assert session.game.step == 1
    assert last_action(session) == action


def test_running_the_last_key_wins_and_else_the_agent_waits(session: PlaySession) -> None:
    session.press("space")
    session.press("up")
    session.press("down")
    assert session.game.step == 0
    assert "next: move_south" in session.status()
    session.tick()
    assert last_action(session) == "move_south"
    session.tick()
    assert last_action(session) == "noop"
    assert session.game.step == 2


def test_speed_changes_in_steps_and_has_bounds(session: PlaySession) -> None:
    session.press("+")
    assert session.steps_per_second == 8
    for _ in range(20):
        session.press("-")
    assert session.steps_per_second == 1


def test_the_end_pauses_and_enter_starts_again(session: PlaySession) -> None:
    session.press("space")
    for _ in range(5):
        session.tick()
    assert session.paused
    assert "enter starts another" in session.status()
    session.press("up")
    assert session.game.step == 5
    session.press("enter")
    assert session.game.step == 0


@pytest.mark.parametrize("key", ["q", "escape"])
def test_leaving(session: PlaySession, key: str) -> None:
    session.press(key)
    assert session.finished


def test_other_keys_do_nothing(session: PlaySession) -> None:
    for key in ("z", "page_up", "enter", "9"):
        session.press(key)
    assert (session.game.step, session.finished, session.paused) == (0, False, True)


def test_the_arenas_keys_fit_on_a_line(session: PlaySession) -> None:
    assert len(session.keys.hint()) <= 80


def test_a_classic_game_is_played_with_its_own_keys(classic: PlaySession) -> None:
    """Turn to the mine, take its ore, turn to the generator, put it in."""
    for key in ("l", "g", "k", "d"):
        classic.press(key)
        assert classic.game.tally.succeeded[0], key
    assert last_action(classic) == "put_items"
    classic.press("a")
    assert classic.game.step == 4, "there is no attack"


def test_a_capital_letter_chooses_and_is_no_step(classic: PlaySession) -> None:
    classic.press("F")
    assert classic.game.step == 0
    classic.press("f")
    assert last_action(classic) == "change_glyph_1"
