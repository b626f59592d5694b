"""One environment: the batch of one. For play, replays and tests; training uses the batch."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.common.whole_number import checked_seed
from metta.mettagrid._core import SavedWorld
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig


class MettaGridEnv:
    """A single environment on the calling thread, stepped synchronously.

    After an episode's end the next ``step`` ignores its actions and returns the first observation of the next episode
    (next-step auto-reset, ``metta/common/vector_env.py``). Batches are views: valid until the next ``step``.

    >>> env = MettaGridEnv(MettaGridConfig(), seed=0)
    >>> batch = env.step(np.zeros(env.num_agents, dtype=np.int32))
    >>> bool(env.action_success.all()), bool(batch.truncated.any())
    (True, False)
    """

    def __init__(self, cfg: MettaGridConfig, seed: int = 0) -> None:
        batch = VecEnvConfig(env=cfg, num_envs=1, num_threads=1, num_slots=1, desync_episodes=False)
        self._env = make_vec_env(batch, seed)
        self._env.recv(0)
        self.seed = seed
        self.spec: EnvSpec = self._env.spec
        self.num_agents = self.spec.num_agents

    def reset(self, seed: int | None = None) -> StepBatch:
        """Start episode 0 of ``seed`` (absent: of the seed in use).

        Raises:
            ConfigError: a seed outside 0 .. 2**64 - 1, or no whole number.
        """
        if seed is not None:
            self.seed = checked_seed(seed)
        self._env.reset(self.seed)
        return self._env.recv(0)

    def step(self, actions: NDArray[np.int32]) -> StepBatch:
        """One tick. Shapes: ``actions [agents] int32``.

        Raises:
            EnvError: the environment was closed.
            ShapeContractError: another dtype, shape or layout.
        """
        self._env.send(0, actions)
        return self._env.recv(0)

    @property
    def batch(self) -> StepBatch:
        """What the last ``step``, ``reset`` or ``restore`` returned."""
        return self._env.recv(0)

    @property
    def action_success(self) -> NDArray[np.bool_]:
        """Whether each agent's last action succeeded, a view. Shapes: ``[agents] bool``."""
        return self._env.action_success

    @property
    def used_tokens(self) -> NDArray[np.uint16]:
        """Tokens of each observation that are not padding, a view. Shapes: ``[agents] uint16``."""
        return self._env.used_tokens

    @property
    def map_size(self) -> tuple[int, int]:
        """(height, width) in cells."""
        return self._env.program.map_height, self._env.program.map_width

    @property
    def step_count(self) -> int:
        """Steps of the current episode so far."""
        return self._env.step_count(0)

    @property
    def episode(self) -> int:
        """Index of the current episode, 0 after ``reset``."""
        return self._env.episode(0)

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Episodes that ended since the last call."""
        return self._env.drain_episodes()

    def snapshot(self) -> bytes:
        """The whole state."""
        return self._env.snapshot_env(0)

    def restore(self, data: bytes) -> None:
        """Go back to a snapshot; ``batch`` holds what was returned then.

        Raises:
            EnvError: the bytes belong to another game or engine version.
        """
        self._env.restore_env(0, data)

    def save(self) -> SavedWorld:
        """The whole state, kept in memory: quicker than ``snapshot``, but only for this process."""
        return self._env.save(0)

    def load(self, saved: SavedWorld) -> None:
        """Go back to a saved state; ``batch`` holds what was returned then. A state may be loaded many times.

        Raises:
            EnvError: it was saved by another environment.
        """
        self._env.load(0, saved)

    def fork(self) -> MettaGridEnv:
        """A second environment in the same state: the same actions have the same effects in both."""
        other = MettaGridEnv(self._env.game(0), self.seed)
        other.restore(self.snapshot())
        return other

    def state_hash(self) -> int:
        """64-bit hash of the whole state."""
        return self._env.state_hash(0)

    def global_state(self) -> NDArray[np.uint8]:
        """Everything on the map, a new array (``VecEnv.state_of``)."""
        return self._env.state_of(0)

    def inventory(self) -> NDArray[np.uint16]:
        """What the agents hold, a copy. Shapes: ``[agents, resources] uint16``."""
        return self._env.inventory(0)

    def set_inventory(self, agent: int, resource: str, amount: int) -> None:
        """Change what an agent holds, without reward."""
        self._env.set_inventory(0, agent, resource, amount)

    def grid_objects(self) -> list[dict[str, Any]]:
        """Everything on the map (``VecEnv.grid_objects``)."""
        return self._env.grid_objects(0)

    def render(self) -> str:
        """The map as text (``VecEnv.render``)."""
        return self._env.render(0)

    def close(self) -> None:
        """Using the environment afterwards raises ``EnvError``."""
        self._env.close()
