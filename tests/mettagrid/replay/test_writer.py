"""The recorder notes what happened, and a recording can be taken at any time."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.replay.format import unpack_replay
from metta.mettagrid.replay.writer import ReplayRecorder, write_replay


def test_a_recording_can_be_taken_early_and_goes_on(tmp_path: Path) -> None:
    config = make_arena(2)
    env = MettaGridEnv(config, seed=4)
    env.reset()
    recorder = ReplayRecorder(env, config, policy="me")
    empty = recorder.finish()
    assert empty.actions.shape == (0, 2)
    assert [keyframe.step for keyframe in empty.header.keyframes] == [0]
    for action in (1, 2, 3):
        actions = np.full(2, action, dtype=np.int32)
        env.step(actions)
        recorder.record(actions)
    replay = recorder.finish()
    assert replay.actions.tolist() == [[1, 1], [2, 2], [3, 3]]
    assert (replay.header.seed, replay.header.policy, replay.header.num_steps) == (4, "me", 3)
    assert len(replay.snapshots) == len(replay.header.keyframes) == 2
    write_replay(tmp_path / "a.replay", replay)
    assert unpack_replay((tmp_path / "a.replay").read_bytes()).header == replay.header
    env.close()
