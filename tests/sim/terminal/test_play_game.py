"""A person's actions reach the agent that the person steers, and only that one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from metta.agent.policies.mock import build_mock_policy
from metta.mettagrid.builder.envs import arena_objects
from metta.mettagrid.config.actions import ActionsConfig, AttackConfig
from metta.mettagrid.config.agent import AgentConfig
from metta.mettagrid.config.game import GameConfig, MettaGridConfig
from metta.mettagrid.maps.map_config import AsciiMapConfig
from metta.mettagrid.replay.reader import ReplayPlayer
from metta.sim.terminal.play_game import PlayGame

ROOM = ("#######", "#@....#", "#.....#", "#..@..#", "#m....#", "#######")


def make_config(max_steps: int = 50) -> MettaGridConfig:
    return MettaGridConfig(
        label="room",
        game=GameConfig(
            profile="use",
            num_agents=2,
            max_steps=max_steps,
            agent=AgentConfig(initial_inventory={"laser": 2}),
            actions=ActionsConfig(attack=AttackConfig(enabled=True, consumed_resources={"laser": 1})),
            objects=arena_objects(),
            map=AsciiMapConfig(rows=ROOM),
        ),
    )


@pytest.fixture
def game() -> Iterator[PlayGame]:
    game = PlayGame(make_config(), lambda spec: build_mock_policy("noop", spec), seed=0, policy="mock://noop")
    yield game
    game.close()


def positions(game: PlayGame) -> list[tuple[int, int]]:
    return [(agent.row, agent.col) for agent in game.frame().agents]


def test_only_the_selected_agent_moves(game: PlayGame) -> None:
    before = positions(game)
    game.advance("move_south")
    assert positions(game) == [(before[0][0] + 1, before[0][1]), before[1]]
    game.select(1)
    game.advance("move_east")
    assert positions(game)[1] == (before[1][0], before[1][1] + 1)
    assert game.frame().agents[1].last_action == "move_east"
    assert game.frame().agents[0].last_action == "noop"


def test_selection_goes_round(game: PlayGame) -> None:
    game.select(-1)
    assert game.selected == 1
    game.select(1)
    assert game.selected == 0


def test_attacks_aim_at_what_can_be_hit(game: PlayGame) -> None:
    assert game.attack() == "attack_0"  # nobody ahead: straight on
    for action in ("move_south", "move_south", "move_east"):  # (3, 2), facing the agent at (3, 3)
        game.advance(action)
    game.advance("move_east")  # blocked, but turned
    attack = game.attack()
    assert attack == "attack_0"
    assert attack is not None
    game.advance(attack)
    assert game.frame().agents[1].frozen > 0
    assert game.frame().agents[0].inventory["laser"] == 3  # one spent, two looted


def test_the_end_stops_the_world_until_it_is_restarted() -> None:
    game = PlayGame(make_config(max_steps=2), lambda spec: build_mock_policy("noop", spec), seed=0)
    game.advance("move_south")
    game.advance("move_south")
    assert game.over
    game.advance("move_south")
    assert game.step == 2
    game.restart()
    assert (game.step, game.over, game.episode) == (0, False, 1)
    game.close()


def test_what_was_played_is_a_replay(game: PlayGame) -> None:
    for action in ("move_south", "move_east", "noop"):
        game.advance(action)
    player = ReplayPlayer(game.replay())
    player.seek(3)
    assert player.env.state_hash() == game.env.state_hash()
    player.close()
