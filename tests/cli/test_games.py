"""``game=NAME`` and ``maps=NAME`` reach every game that a tool holds."""

from __future__ import annotations

import pytest

from metta.cli.games import game_keys
from metta.cli.main import main


@pytest.mark.parametrize(
    ("words", "expected", "absent"),
    [
        (("train", "arena", "game=navigation"), "label: navigation", "label: arena"),
        (("evaluate", "arena", "game=navigation"), "label: navigation", "label: arena"),
        (("play", "arena", "game=navigation", "simulation.env.game.max_steps=7"), "max_steps: 7", "label: arena"),
        (("play", "navigation", "maps=terrain"), "instance_width: 40", "instance_width: 26"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_choice_replaces_every_game(
    words: tuple[str, ...], expected: str, absent: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*words, "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert expected in out
    assert absent not in out
    assert f"configs/{words[2].split('=')[0]}/" in out, "the origin of the values is told"


def test_a_network_becomes_the_policy(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "arena", "network=actor_critic", "--dry-run"]) == 0
    out = capsys.readouterr().out
    assert "type: network" in out
    assert "class: TokenBag" in out
    assert "configs/network/" in out
    assert main(["play", "arena", "network=actor_critic", "--dry-run"]) == 2
    assert "builds no policy" in capsys.readouterr().err


def test_faults_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "arena", "game=navigaton", "--dry-run"]) == 2
    assert "Did you mean 'navigation'?" in capsys.readouterr().err
    assert main(["train", "gym", "game=navigation", "--dry-run"]) == 2
    assert "plays no MettaGrid game" in capsys.readouterr().err


def test_foreign_environments_are_left_alone() -> None:
    tree = {"simulations": [{"env": {"env_id": "CartPole-v1"}}, {"env": {"game": {"num_agents": 2}}}]}
    assert [path for _, _, path in game_keys(tree, "maps")] == ["simulations.1.env.game.map"]
