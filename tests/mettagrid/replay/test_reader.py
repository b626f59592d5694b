"""Replays play back: recording, file, seeking and the proof by hashes."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.replay.format import INVALID_ACTION, Replay, ReplayError
from metta.mettagrid.replay.reader import ReplayPlayer, read_replay
from metta.mettagrid.replay.writer import ReplayRecorder, write_replay

CONFIG = make_arena(6).replace({"game.max_steps": 260})
STEPS = 230


def record(seed: int = 1, steps: int = STEPS, invalid: bool = True) -> tuple[Replay, list[str], np.ndarray]:
    """A recording of random actions, with the hash of every world on the way and the returns."""
    rng = np.random.default_rng(seed)
    env = MettaGridEnv(CONFIG, seed=seed)
    env.reset()
    recorder = ReplayRecorder(env, CONFIG, policy="dice", keyframe_interval=50)
    hashes, returns = [f"{env.state_hash():016x}"], np.zeros(6)
    for _ in range(steps):
        actions = rng.integers(-1 if invalid else 0, 15 if invalid else 14, size=6).astype(np.int32)
        batch = env.step(actions)
        returns += batch.rewards
        recorder.record(actions)
        hashes.append(f"{env.state_hash():016x}")
    replay = recorder.finish()
    env.close()
    return replay, hashes, returns


@pytest.fixture(scope="module")
def recorded() -> tuple[Replay, list[str], np.ndarray]:
    return record()


@pytest.fixture
def player(recorded: tuple[Replay, list[str], np.ndarray]) -> Iterator[ReplayPlayer]:
    player = ReplayPlayer(recorded[0])
    yield player
    player.close()


def test_keyframes_stand_at_intervals_and_at_the_end(recorded: tuple[Replay, list[str], np.ndarray]) -> None:
    replay, hashes, _ = recorded
    assert [keyframe.step for keyframe in replay.header.keyframes] == [0, 50, 100, 150, 200, STEPS]
    assert [keyframe.state_hash for keyframe in replay.header.keyframes] == [
        hashes[s] for s in (0, 50, 100, 150, 200, STEPS)
    ]
    assert INVALID_ACTION in replay.actions


def test_the_file_plays_back_to_the_same_worlds(recorded: tuple[Replay, list[str], np.ndarray], tmp_path: Path) -> None:
    replay, hashes, returns = recorded
    path = tmp_path / "deep" / "x.replay"
    write_replay(path, replay)
    assert path.stat().st_size < 40_000
    player = ReplayPlayer(read_replay(path))
    player.verify()
    assert player.step == 0
    for step in range(STEPS + 1):
        player.seek(step)
        assert f"{player.env.state_hash():016x}" == hashes[step]
    np.testing.assert_allclose(player.tally.total, returns, rtol=1e-6)
    player.close()


def test_seeking_goes_anywhere(recorded: tuple[Replay, list[str], np.ndarray], player: ReplayPlayer) -> None:
    _, hashes, _ = recorded
    rng = np.random.default_rng(0)
    totals: dict[int, list[float]] = {}
    for step in [STEPS, 0, 49, 50, 51, *rng.integers(0, STEPS, size=20).tolist()]:
        player.seek(step)
        assert player.step == step
        assert f"{player.env.state_hash():016x}" == hashes[step]
        assert totals.setdefault(step, player.tally.total.tolist()) == player.tally.total.tolist()
    player.seek(-5)
    assert player.step == 0
    player.seek(10**9)
    assert player.step == STEPS


def test_another_history_is_found_out(recorded: tuple[Replay, list[str], np.ndarray]) -> None:
    replay = recorded[0]
    actions = replay.actions.copy()
    actions[120] = 0
    actions[121:140] = 1
    player = ReplayPlayer(dataclasses.replace(replay, actions=actions))
    player.seek(100)
    with pytest.raises(ReplayError, match="after 150 steps the world's hash is"):
        player.verify()
    player.close()


def test_another_seed_is_found_out_at_once(recorded: tuple[Replay, list[str], np.ndarray]) -> None:
    replay = recorded[0]
    changed = dataclasses.replace(replay, header=replay.header.replace({"seed": 99}))
    with pytest.raises(ReplayError, match="after 0 steps"):
        ReplayPlayer(changed)


def test_other_actions_than_the_game_has_are_refused(recorded: tuple[Replay, list[str], np.ndarray]) -> None:
    replay = recorded[0]
    changed = dataclasses.replace(replay, header=replay.header.replace({"action_names": ("noop", "dance")}))
    with pytest.raises(ReplayError, match="dance"):
        ReplayPlayer(changed)


def test_many_claimed_keyframes_do_not_fill_memory() -> None:
    """A file may claim a keyframe at every step; the player keeps its own, far fewer."""
    env = MettaGridEnv(CONFIG, seed=0)
    env.reset()
    recorder = ReplayRecorder(env, CONFIG, keyframe_interval=1)
    for _ in range(200):
        actions = np.zeros(6, dtype=np.int32)
        env.step(actions)
        recorder.record(actions)
    player = ReplayPlayer(recorder.finish())
    player.verify()
    assert len(player._visited) == 5
    player.close()
    env.close()


def test_missing_and_large_files_are_told(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match=r"absent\.replay: No such file"):
        read_replay(tmp_path / "absent.replay")
    (tmp_path / "large.replay").write_bytes(bytes(1000))
    with pytest.raises(ReplayError, match="1,000 bytes, more than the limit of 999"):
        read_replay(tmp_path / "large.replay", max_bytes=999)
    with pytest.raises(ReplayError, match=r"large\.replay: .*another kind"):
        read_replay(tmp_path / "large.replay")
