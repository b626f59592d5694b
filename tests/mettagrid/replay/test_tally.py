"""Returns and last actions of an episode's agents."""

from __future__ import annotations

import numpy as np

from metta.mettagrid.replay.tally import Tally


def test_it_adds_up_and_copies_share_nothing() -> None:
    tally = Tally.start(2)
    assert tally.actions.tolist() == [-1, -1]
    actions, rewards, succeeded = np.array([3, 0], np.int32), np.array([0.5, -1], np.float32), np.array([True, False])
    tally.add(actions, rewards, succeeded)
    before = tally.copy()
    actions[:], rewards[:], succeeded[:] = 9, 9.0, True  # the environment goes on writing into its buffers
    tally.add(np.array([1, 1], np.int32), np.array([0.5, 0.5], np.float32), np.array([True, True]))
    assert before.total.tolist() == [0.5, -1.0]
    assert before.actions.tolist() == [3, 0]
    assert before.succeeded.tolist() == [True, False]
    assert tally.total.tolist() == [1.0, -0.5]
    assert tally.last.tolist() == [0.5, 0.5]
