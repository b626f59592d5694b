"""Recording: note the actions of a running episode, keep a keyframe now and then, write the file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metta.common.atomic import write_atomic
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.replay.format import INVALID_ACTION, KeyframeEntry, Replay, ReplayHeader, pack_replay

KEYFRAME_INTERVAL = 100
"""Steps between keyframes: seeking replays at most so many steps, and a file stays some tens of kilobytes."""


class ReplayRecorder:
    """Records the current episode of ``env``, which must just have been reset.

    Call ``record`` after each ``env.step``; ``finish`` gives the replay, at any time.
    """

    def __init__(
        self,
        env: MettaGridEnv,
        config: MettaGridConfig,
        *,
        policy: str = "",
        keyframe_interval: int = KEYFRAME_INTERVAL,
    ) -> None:
        self._env = env
        self._config = config
        self._policy = policy
        self._interval = keyframe_interval
        self._actions: list[NDArray[np.uint8]] = []
        self._keyframes: list[KeyframeEntry] = []
        self._snapshots: list[bytes] = []
        self._keep_keyframe()

    @property
    def num_steps(self) -> int:
        return len(self._actions)

    def record(self, actions: NDArray[np.int32]) -> None:
        """Note the actions that ``env.step`` has just taken.

        Shapes: ``actions [agents] int32``.
        """
        known = (actions >= 0) & (actions < self._env.spec.num_actions)
        self._actions.append(np.where(known, actions, INVALID_ACTION).astype(np.uint8))
        if self.num_steps % self._interval == 0:
            self._keep_keyframe()

    def finish(self) -> Replay:
        """The replay up to here. The recorder may go on afterwards."""
        if self._keyframes[-1].step != self.num_steps:
            self._keep_keyframe()
        num_agents = self._env.spec.num_agents
        header = ReplayHeader(
            env=self._config,
            seed=self._env.seed,
            num_steps=self.num_steps,
            num_agents=num_agents,
            action_names=self._env.spec.action_names,
            policy=self._policy,
            keyframes=tuple(self._keyframes),
        )
        actions = np.array(self._actions, dtype=np.uint8).reshape(self.num_steps, num_agents)
        return Replay(header, actions, tuple(self._snapshots))

    def _keep_keyframe(self) -> None:
        snapshot = self._env.snapshot()
        state_hash = f"{self._env.state_hash():016x}"
        self._keyframes.append(KeyframeEntry(step=self.num_steps, state_hash=state_hash, num_bytes=len(snapshot)))
        self._snapshots.append(snapshot)


def write_replay(path: Path, replay: Replay) -> None:
    """Write a replay file atomically, creating its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, pack_replay(replay))
