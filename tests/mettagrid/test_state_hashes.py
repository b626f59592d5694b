"""The engine does what it did when the golden hashes were committed: for any threads, slots, batch and process."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.mettagrid.state_hashes import ENVS, GAMES, PATH, SEEDS, play

CHANGED = "the engine plays {} otherwise. If that is meant, run tools/regenerate_golden.py and review the diff of {}."
GOLDEN = json.loads(PATH.read_text(encoding="utf-8"))
BATCHES = [(1, 1, ENVS), (2, 1, ENVS), (3, 5, ENVS), (1, 1, 2), (2, 2, 8)]


def test_the_file_has_every_game_and_seed() -> None:
    assert set(GOLDEN) == {f"{game}, seed {seed}" for game in GAMES for seed in SEEDS}
    worlds = [tuple(hashes) for entry in GOLDEN.values() for hashes in entry["worlds"]]
    assert len(set(worlds)) == len(worlds)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("game", GAMES)
def test_what_agents_are_given_is_golden(game: str, seed: int) -> None:
    found = play(game, seed, threads=2)
    assert found.returned == GOLDEN[f"{game}, seed {seed}"]["returned"], CHANGED.format(game, PATH.name)


@pytest.mark.parametrize("game", GAMES)
def test_worlds_are_golden_for_any_batch(game: str) -> None:
    golden = GOLDEN[f"{game}, seed {SEEDS[0]}"]["worlds"]
    for threads, slots, num_envs in BATCHES:
        found = play(game, SEEDS[0], threads=threads, slots=slots, num_envs=num_envs).worlds
        common = min(num_envs, ENVS)
        for mine, theirs in zip(found, golden, strict=True):
            assert mine[:common] == theirs[:common], CHANGED.format(game, PATH.name)


def test_another_process_finds_the_same_hashes() -> None:
    program = "from tests.mettagrid.state_hashes import play; print(play('crowded', 0, num_envs=3, threads=3))"
    root = PATH.parents[2]
    answer = subprocess.run([sys.executable, "-c", program], cwd=root, capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == str(play("crowded", 0, num_envs=3))
