"""PufferLib's native environment over the batched engine: results go straight into PufferLib's own buffers."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pufferlib  # pyright: ignore[reportMissingTypeStubs] - PufferLib has no types
from numpy.typing import NDArray

from metta.common.errors import EnvError
from metta.common.vector_env import EpisodeRecord
from metta.mettagrid.action_table import ActionTable
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.spec import env_spec
from metta.mettagrid.vec_buffers import VecBuffers, any_set
from metta.mettagrid.vec_env import VecEnv
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.wrappers.games import resolve_game
from metta.mettagrid.wrappers.spaces import ActionReader, ActionSpaceKind, observation_space

Info = dict[str, float]


class PufferMettaGridEnv(pufferlib.PufferEnv):  # pyright: ignore[reportGeneralTypeIssues, reportUntypedBaseClass]
    """``num_envs`` worlds as one native PufferLib environment of ``num_envs * agents`` agents.

    One instance steps many worlds on its own threads, so ``pufferlib.vector.make(..., backend=PufferEnv)`` is the
    fastest way. It also runs below ``Serial`` and ``Multiprocessing`` (one world each, or more).

    By PufferLib's protocol the returned arrays *are* the shared buffers: the next step writes over them. Auto-reset is
    next-step: the observation after an end is final, the following action is ignored. ``masks`` is False on rows whose
    agent is away. ``action_mask`` and ``first`` are further buffers of the batch.

    Shapes (B agents): ``observations [B, T, 3] uint8``, ``rewards [B] float32``, ``terminals``, ``truncations``,
    ``masks [B] bool``, ``actions [B] int32`` or ``[B, 2]``.

    Raises:
        ConfigError: an unknown game or one that the engine refuses.
        ShapeContractError: ``buf`` holds arrays of another dtype, shape or layout.

    >>> env = PufferMettaGridEnv("arena", num_agents=24, num_envs=2)
    >>> observations, infos = env.reset(seed=0)
    >>> observations.shape
    (48, 200, 3)
    """

    observations: NDArray[np.uint8]
    rewards: NDArray[np.float32]
    terminals: NDArray[np.bool_]
    truncations: NDArray[np.bool_]
    masks: NDArray[np.bool_]
    actions: NDArray[np.int32]

    def __init__(
        self,
        game: MettaGridConfig | str = "arena",
        *,
        num_agents: int | None = None,
        num_envs: int = 1,
        num_threads: int = 1,
        action_space: ActionSpaceKind = "flat",
        desync_episodes: bool = False,
        buf: dict[str, NDArray[Any]] | None = None,
        seed: int = 0,
    ) -> None:
        config = VecEnvConfig(
            env=resolve_game(game, num_agents=num_agents),
            num_envs=num_envs,
            num_threads=num_threads,
            num_slots=1,
            desync_episodes=desync_episodes,
        )
        spec = env_spec(config.env)
        self._reader = ActionReader(ActionTable.from_game(config.env.game), action_space)
        self.num_agents = config.num_rows
        self.single_observation_space = observation_space(spec)
        self.single_action_space = self._reader.single_space()
        super().__init__(buf)  # pyright: ignore[reportUnknownMemberType] - sets observations, rewards, ... to PufferLib's arrays, or makes some
        buffers = replace(
            VecBuffers.allocate(spec, self.num_agents),
            observations=self.observations,
            rewards=self.rewards,
            terminated=self.terminals,
            truncated=self.truncations,
        )
        self._vec = VecEnv(config, seed, buffers)
        self.spec, self.action_mask, self.first = spec, buffers.action_mask, buffers.first
        self._seed, self._is_reset, self._is_stepping = seed, False, False
        self._was_terminated = np.zeros(self.num_agents, dtype=np.bool_)
        self._any_terminated = False
        self.infos: list[Info] = []

    def reset(self, seed: int | None = None) -> tuple[NDArray[np.uint8], list[Info]]:
        """Start episode 0 of ``seed`` (absent: the constructor's, then one more each time) in each world.

        Raises:
            EnvError: closed.
            ConfigError: a seed below 0 or beyond 64 bits.
        """
        if seed is None:
            seed = self._seed + 1 if self._is_reset else self._seed
        self._seed = seed
        self._vec.reset(seed)
        self._vec.recv(0)
        self._is_reset, self._is_stepping, self.infos = True, False, []
        self._was_terminated[:] = True  # an agent that is terminated at once has not come yet
        self._any_terminated = True
        self._mark_absent()
        return self.observations, self.infos

    def step(
        self, actions: NDArray[np.integer[Any]]
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32], NDArray[np.bool_], NDArray[np.bool_], list[Info]]:
        """One tick of each world, into the shared buffers.

        Raises:
            EnvError: closed, not reset, or an action outside the space.
            ShapeContractError: actions of another kind or shape.
        """
        self.send(actions)
        self._finish()
        return self.observations, self.rewards, self.terminals, self.truncations, self.infos

    def send(self, actions: NDArray[np.integer[Any]]) -> None:
        """Start a tick and return at once; with ``num_threads > 1`` native threads work while the caller infers."""
        if not self._is_reset:
            raise EnvError("send() came before reset(): there is no episode yet. Call reset(seed=...) first.")
        flat = self._reader.read(actions, self.num_agents, engine_checks=True)
        self._vec.send(0, flat, strict=self._reader.strict)
        self._is_stepping = True

    def recv(self) -> tuple[Any, ...]:
        """Wait for the tick; PufferLib's eight items, all of them the shared buffers."""
        self._finish()
        return super().recv()  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]

    def close(self) -> None:
        """Stop the threads. Closing twice is fine; using the environment afterwards raises ``EnvError``."""
        self._vec.close()

    def action_masks(self) -> NDArray[np.bool_]:
        """What each agent may do, a copy. Shapes: ``[B, A]`` (flat) or ``[B, F + M]`` (pairs) ``bool``."""
        return self._reader.mask(self.action_mask)

    def render(self) -> str:
        """The first world as text."""
        return self._vec.render(0)

    def _finish(self) -> None:
        if not self._is_stepping:
            return
        self._vec.recv(0)
        self._is_stepping = False
        self._mark_absent()
        self.infos = [_info(record) for record in self._vec.drain_episodes() if not record.partial]

    def _mark_absent(self) -> None:
        """An agent that stays terminated is away; in most steps nobody is."""
        any_terminated = any_set(self.terminals)
        if any_terminated or self._any_terminated:
            np.logical_not(self._was_terminated & self.terminals, out=self.masks)
            np.copyto(self._was_terminated, self.terminals)
        self._any_terminated = any_terminated


def _info(record: EpisodeRecord) -> Info:
    """Means over the agents, as PufferLib's trainer averages and logs them."""
    info = {"episode_return": record.mean(record.rewards), "episode_length": float(record.length)}
    info |= {f"agent/{name}": record.mean(values) for name, values in record.agent_stats.items()}
    return info | {f"game/{name}": float(value) for name, value in record.game_stats.items()}
