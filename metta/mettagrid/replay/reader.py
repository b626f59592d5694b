"""Reading and playing a replay: the game is simulated again and compared with the recorded hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.replay.format import MAX_BYTES, Replay, ReplayError, unpack_replay
from metta.mettagrid.replay.tally import Tally

SEEK_STRIDE = 50
"""Steps between the worlds that a player keeps for going back; seeking simulates at most so many steps (or 1 %)."""


def read_replay(path: Path, *, max_bytes: int = MAX_BYTES) -> Replay:
    """Read and check a replay file.

    Raises:
        ReplayError: the file is missing, too large, damaged, hostile or from a newer version.
    """
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise ReplayError(f"{path} has {size:,} bytes, more than the limit of {max_bytes:,} (max_bytes).")
        data = path.read_bytes()
    except OSError as error:
        raise ReplayError(f"cannot read the replay {path}: {error.strerror}.") from error
    try:
        return unpack_replay(data, max_bytes=max_bytes)
    except ReplayError as error:
        raise ReplayError(f"{path}: {error}") from error


class ReplayPlayer:
    """Moves through a replay by simulating it. ``seek`` goes anywhere; ``verify`` proves the recording.

    A file's snapshots are compared, never restored: going back restores only what this process has simulated, so a
    crafted file cannot put the engine into a state that the game does not reach.

    ``tally`` holds the agents' returns up to here and their last actions.
    """

    def __init__(self, replay: Replay) -> None:
        self.replay = replay
        header = replay.header
        self.env = MettaGridEnv(header.env, seed=header.seed)
        if self.env.spec.action_names != header.action_names:
            raise ReplayError(
                f"the replay was recorded with the actions {header.action_names}, this version of the game has "
                f"{self.env.spec.action_names}. Read it with the version of metta that wrote it."
            )
        self.env.reset()
        self.step = 0
        self.tally = Tally.start(header.num_agents)
        self._expected = {keyframe.step: keyframe.state_hash for keyframe in header.keyframes}
        # At most 100 stations, however many keyframes a file claims to have.
        self._stride = max(SEEK_STRIDE, -(-header.num_steps // 100))
        self._visited: dict[int, tuple[bytes, Tally]] = {}
        self._arrive()

    @property
    def num_steps(self) -> int:
        return self.replay.header.num_steps

    def seek(self, step: int) -> None:
        """Go to the world after ``step`` steps (clipped to the recording).

        Raises:
            ReplayError: the game reached another world than the recorded one at a keyframe.
        """
        step = min(max(step, 0), self.num_steps)
        if step < self.step:
            keyframe = max(known for known in self._visited if known <= step)
            snapshot, tally = self._visited[keyframe]
            self.env.restore(snapshot)
            self.step, self.tally = keyframe, tally.copy()
        while self.step < step:
            actions = self.replay.actions[self.step].astype(np.int32)
            batch = self.env.step(actions)
            self.step += 1
            self.tally.add(actions, batch.rewards, self.env.action_success)
            self._arrive()

    def verify(self) -> None:
        """Play everything and come back to where we are.

        Raises:
            ReplayError: at some keyframe the game reached another world than the recorded one.
        """
        here = self.step
        self.seek(self.num_steps)
        self.seek(here)

    def _arrive(self) -> None:
        expected = self._expected.get(self.step)
        if expected is not None and (found := f"{self.env.state_hash():016x}") != expected:
            raise ReplayError(
                f"after {self.step} steps the world's hash is {found}, the replay recorded {expected}. The file was "
                "made by another version of the engine, or was changed; record it again."
            )
        if self.step % self._stride == 0 and self.step not in self._visited:
            self._visited[self.step] = (self.env.snapshot(), self.tally.copy())

    def close(self) -> None:
        self.env.close()
