"""The native batch of environments as Python sees it: one call steps all of a slot's worlds, results are views."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.mettagrid import _core
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.maps.map_config import AsciiMapConfig
from metta.mettagrid.spec import env_spec
from metta.mettagrid.vec_buffers import VecBuffers
from metta.mettagrid.vec_env_config import VecEnvConfig

_WORLDS = "worlds"
_EPISODES = "episodes"


def compile_game(cfg: MettaGridConfig) -> _core.GameProgram:
    """Compile a game once; environments share the result.

    Raises:
        ConfigError: the engine refuses a value, naming its key.
    """
    data: dict[str, Any] = cfg.game.model_dump(mode="json")
    if isinstance(cfg.game.map, AsciiMapConfig):
        data["map"]["legend"] = cfg.game.map.cell_names()
    return _core.GameProgram(data)


def make_vec_env(cfg: VecEnvConfig, seed: int, buffers: VecBuffers | None = None) -> VecEnv:
    """A batch that has been reset with ``seed``: ``recv`` works for every slot.

    Args:
        buffers: the caller's arrays to write results into; absent: the batch makes its own.

    Raises:
        ConfigError: the engine refuses the game or the batch.
        ShapeContractError: a buffer of another dtype, shape or layout.
    """
    return VecEnv(cfg, seed, buffers)


def _available_cores() -> int:
    """Cores that this process may use: a container or taskset may grant fewer than the machine has."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class VecEnv:
    """``VectorEnv`` over the native engine. Rows are environments x agents; slot s holds an equal part of the rows.

    Views are written by native threads between ``send`` and ``recv`` of their slot; read them between ``recv`` and
    ``send``. Besides the protocol: ``action_success [B] bool`` (whether each agent's last action succeeded) and
    ``used_tokens [B] uint16`` (tokens of the observation that are not padding).

    >>> env = make_vec_env(VecEnvConfig(num_envs=2, num_slots=1, num_threads=1), seed=0)
    >>> env.recv(0).observations.shape
    (48, 200, 3)
    >>> env.close()
    """

    def __init__(self, cfg: VecEnvConfig, seed: int, buffers: VecBuffers | None = None) -> None:
        self.cfg = cfg
        self.spec: EnvSpec = env_spec(cfg.env)
        self.num_envs = cfg.num_envs
        self.num_slots = cfg.num_slots
        self.num_rows = cfg.num_envs * self.spec.num_agents
        self.program = compile_game(cfg.env)
        self._check_spec()
        threads = cfg.num_threads or _available_cores()
        self._native: _core.VecEnv | None = _core.VecEnv(
            [self.program],
            num_envs=cfg.num_envs,
            num_slots=cfg.num_slots,
            num_threads=threads,
            desync_episodes=cfg.desync_episodes,
        )
        self.bind(buffers or VecBuffers.allocate(self.spec, self.num_rows))
        self.reset(seed)

    def bind(self, buffers: VecBuffers) -> None:
        """Write results into these arrays from now on; they keep their contents until the next step or reset.

        Raises:
            EnvError: closed.
            ShapeContractError: an array of another dtype, shape or layout, or one that cannot be written.
        """
        self._open().bind(
            observations=buffers.observations,
            rewards=buffers.rewards,
            terminated=buffers.terminated,
            truncated=buffers.truncated,
            first=buffers.first,
            action_mask=buffers.action_mask,
            action_success=buffers.action_success,
            used_tokens=buffers.used_tokens,
        )
        self.buffers = buffers
        self.observations, self.rewards = buffers.observations, buffers.rewards
        self.terminated, self.truncated, self.first = buffers.terminated, buffers.truncated, buffers.first
        self.action_mask = buffers.action_mask
        self.action_success, self.used_tokens = buffers.action_success, buffers.used_tokens
        size = self.num_rows // self.num_slots
        self._views = [self._view(slot, slice(slot * size, (slot + 1) * size)) for slot in range(self.num_slots)]

    def reset(self, seed: int) -> None:
        """Start episode 0 in each environment; pending episode records are dropped.

        Raises:
            ConfigError: a seed outside 0 .. 2**64 - 1.
        """
        if not 0 <= seed < 2**64:
            raise ConfigError(f"seed={seed}, expected 0 .. 2**64 - 1. Set system.seed.")
        self._open().reset(seed)

    def begin_next(self, env: int) -> None:
        """Begin the next episode of one environment now; its rows hold the first observation, ``first`` is true.

        Between ``recv`` and ``send`` of its slot. An episode that had not ended leaves no record.

        Raises:
            EnvError: closed, or no such environment.
        """
        self._open().begin_next(env)

    def recv(self, slot: int) -> StepBatch:
        """Wait for the slot's step, working along; the arrays are valid until ``send`` of that slot.

        Raises:
            EnvError: closed, or no such slot.
        """
        self._open().recv(slot)
        view = self._views[slot]
        return StepBatch(
            slot,
            view.rows,
            view.observations,
            view.rewards,
            view.terminated,
            view.truncated,
            view.first,
            view.action_mask,
        )

    def send(self, slot: int, actions: NDArray[np.int32], strict: bool = False) -> None:
        """Start stepping the slot; returns at once.

        Shapes: ``actions [b] int32``, C-contiguous; copied before the call returns. Ids outside the action table fail
        and are counted as ``action.invalid_index``; with ``strict`` they are an error, and nothing steps.

        Raises:
            EnvError: closed, the slot's last step was not received, or (``strict``) an id outside the action table.
            ShapeContractError: another dtype, shape or layout.
        """
        self._open().send(slot, actions, strict)

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Episodes that ended since the last call, by (step of ending, environment). Waits for running slots."""
        return [
            EpisodeRecord(
                env=data["env"],
                episode=data["episode"],
                length=data["length"],
                rewards=data["returns"].astype(np.float32),
                terminated=data["terminated"],
                truncated=data["truncated"],
                partial=data["partial"],
                agent_stats=data["agent_stats"],
                game_stats=data["game_stats"],
                group_stats=data["group_stats"],
                group_ids=data["group_ids"],
            )
            for data in self._open().drain_episodes()
        ]

    def snapshot(self) -> dict[str, NDArray[np.generic]]:
        """Worlds and pending episode records. What ``recv`` returned is part of the worlds.

        Shapes: ``worlds [num_envs, bytes] uint8``, ``episodes [n] float64``.
        """
        native = self._open()
        worlds = b"".join(native.snapshot_env(i) for i in range(self.num_envs))
        return {
            _WORLDS: np.frombuffer(worlds, dtype=np.uint8).reshape(self.num_envs, -1).copy(),
            _EPISODES: native.episodes_flat(),
        }

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go back to ``snapshot()``, buffers included: ``recv`` of every slot returns what it returned then.

        Raises:
            EnvError: a part is missing, or belongs to another game, batch or engine version.
        """
        native = self._open()
        if missing := {_WORLDS, _EPISODES} - state.keys():
            raise EnvError(f"the snapshot lacks {sorted(missing)}, it has {sorted(state)}. It is no engine snapshot.")
        worlds = np.ascontiguousarray(state[_WORLDS])
        if worlds.dtype != np.uint8 or worlds.ndim != 2 or worlds.shape[0] != self.num_envs:
            raise EnvError(
                f"the snapshot holds worlds {worlds.dtype}{list(worlds.shape)}, expected uint8[{self.num_envs}, "
                f"{self.program.world_bytes}]. Restore it with the num_envs that it was taken with."
            )
        for i in range(self.num_envs):
            native.restore_env(i, worlds[i])
        native.restore_episodes(np.ascontiguousarray(state[_EPISODES], dtype=np.float64))
        native.mark_ready()

    def snapshot_env(self, env: int) -> bytes:
        """One environment's world as bytes."""
        return self._open().snapshot_env(env)

    def restore_env(self, env: int, data: bytes) -> None:
        """Put one environment back; its rows are written again. The bytes are trusted beyond their header.

        Raises:
            EnvError: they belong to another game or engine version.
        """
        self._open().restore_env(env, data)

    def save(self, env: int) -> _core.SavedWorld:
        """Keep one environment's world in memory: for searches that go back often. It lives as long as its handle.

        Unlike ``snapshot_env`` the handle cannot leave the process, and ``load`` need not check it.
        """
        return self._open().save(env)

    def load(self, env: int, saved: _core.SavedWorld) -> None:
        """Put a saved world into an environment of the same game; its rows are written again.

        Raises:
            EnvError: the environment plays another game than the one that was saved.
        """
        self._open().load(env, saved)

    def fork(self, from_env: int, to_env: int) -> None:
        """Make ``to_env`` a copy of ``from_env``, rows included: the same actions then have the same effects in both.

        Raises:
            EnvError: no such environment, or the two play different games.
        """
        self._open().fork(from_env, to_env)

    def state_hash(self, env: int) -> int:
        """64-bit hash of the whole state of one environment; equal states of equal games have equal hashes."""
        return self._open().state_hash(env)

    def inventory(self, env: int) -> NDArray[np.uint16]:
        """What the agents hold, a copy. Shapes: ``[agents, resources] uint16``."""
        return self._open().inventory(env)

    def set_inventory(self, env: int, agent: int, resource: str, amount: int) -> None:
        """Change what an agent holds, without reward; the environment's rows are written again.

        Raises:
            EnvError: no such agent, or more than its limit.
            ConfigError: no such resource.
        """
        names = self.program.resource_names
        if resource not in names:
            raise ConfigError(f"{resource!r} is no resource of this game; known: {names}.")
        if not 0 <= amount <= 65_535:
            raise EnvError(f"amount={amount}, expected 0 .. 65535.")
        self._open().set_inventory(env, agent, names.index(resource), amount)

    def grid_objects(self, env: int) -> list[dict[str, Any]]:
        """Everything on the map: agents by index, then converters, then walls; ``r``, ``c`` count from the top left."""
        return self._open().grid_objects(env)

    def render(self, env: int) -> str:
        """The map as text, a character a cell: agents 0-9a-z, ``#`` wall, ``.`` empty, others as in drawn maps."""
        return self._open().render(env)

    def step_count(self, env: int) -> int:
        """Steps of the current episode so far."""
        return self._open().step_count(env)

    def episode(self, env: int) -> int:
        """Index of the current episode, 0 after ``reset``."""
        return self._open().episode(env)

    def close(self) -> None:
        """Stop the threads. Closing twice is fine; anything else afterwards raises ``EnvError``."""
        self._native = None

    def _open(self) -> _core.VecEnv:
        if self._native is None:
            raise EnvError(f"the environment batch {self.spec.name!r} was closed. Make a new one with make_vec_env.")
        return self._native

    def _check_spec(self) -> None:
        """The spec is made from the config in Python, the engine's tables in C++: they must say the same."""
        mine = (self.spec.num_agents, self.spec.obs_shape[0], list(self.spec.action_names))
        native = (self.program.num_agents, self.program.num_tokens, self.program.action_names)
        if mine != native:
            raise ShapeContractError(
                f"the engine was built from other sources than this package: spec {mine}, engine {native}. "
                "Rebuild it: pip install -e ."
            )

    def _view(self, slot: int, rows: slice) -> StepBatch:
        return StepBatch(
            slot,
            rows,
            self.observations[rows],
            self.rewards[rows],
            self.terminated[rows],
            self.truncated[rows],
            self.first[rows],
            self.action_mask[rows],
        )
