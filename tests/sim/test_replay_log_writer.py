"""Recorded episodes are whole, repeatable and play back."""

from __future__ import annotations

from metta.agent.policies.mock import build_mock_policy
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.replay.format import Replay, pack_replay
from metta.mettagrid.replay.reader import ReplayPlayer
from metta.sim.replay_log_writer import record_episode

SMALL = make_arena(4).replace({"game.max_steps": 120})


def record(seed: int, max_steps: int | None = None) -> Replay:
    return record_episode(
        SMALL, lambda spec: build_mock_policy("random", spec), seed=seed, policy="mock://random", max_steps=max_steps
    )


def test_an_episode_is_recorded_to_its_end() -> None:
    replay = record(0)
    assert replay.header.num_steps == 120
    player = ReplayPlayer(replay)
    player.verify()
    player.close()


def test_the_seed_decides_the_file() -> None:
    assert pack_replay(record(0)) == pack_replay(record(0)) != pack_replay(record(1))


def test_it_can_stop_early() -> None:
    assert record(0, max_steps=7).header.num_steps == 7
