"""The native batch of environments as Python sees it: one call steps all of a slot's worlds, results are views."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError, EnvError, MettaError, ShapeContractError
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.common.whole_number import checked_seed, whole_number
from metta.mettagrid import _core
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.game_table import GameTable
from metta.mettagrid.spec import env_spec
from metta.mettagrid.vec_buffers import VecBuffers
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.world_arrays import WORLDS, pack_worlds, unpack_worlds

_EPISODES = "episodes"
_MSG_NO_GAME = "the game is a {}, expected a MettaGridConfig. From plain data: MettaGridConfig.model_validate(data)."


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


def _check_kind(value: object, kind: type, error: type[MettaError], message: str) -> None:
    """Refuse a value of another type, which the binding would refuse in its own words."""
    if not isinstance(value, kind):
        raise error(message.format(type(value).__name__))


class VecEnv:
    """``VectorEnv`` over the native engine. Rows are environments x agents; slot s holds an equal part of the rows.

    Views are written by native threads between ``send`` and ``recv`` of their slot; read them between ``recv`` and
    ``send``. Besides the protocol: ``action_success [B] bool`` (whether each agent's last action succeeded) and
    ``used_tokens [B] uint16`` (tokens of the observation that are not padding; in a box: values written), and
    ``global_state [num_envs, *spec.state_shape] uint8`` in games with ``obs.global_state``, else None.

    With ``autoreset="same_step"`` an episode's end and the next one's begin are one step: rows of an episode that ended
    hold its rewards and ends, the next episode's first observation and mask (``first`` is true), and, in
    ``final_observations``, how it ended. Rows of ``final_observations`` whose episode goes on are stale. In games with
    a global state ``final_state`` holds that of the episode's end.

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
        self._games = GameTable(cfg.env)
        self.program = self._games.program
        self._check_spec()
        threads = cfg.num_threads or _available_cores()
        self._native: _core.VecEnv | None = _core.VecEnv(
            [self.program],
            num_envs=cfg.num_envs,
            num_slots=cfg.num_slots,
            num_threads=threads,
            desync_episodes=cfg.desync_episodes,
            same_step_reset=cfg.autoreset == "same_step",
        )
        self.bind(buffers or VecBuffers.allocate(self.spec, self.num_rows, cfg.autoreset == "same_step"))
        self.reset(seed)

    def bind(self, buffers: VecBuffers) -> None:
        """Write results into these arrays from now on; they keep their contents until the next step or reset.

        Raises:
            EnvError: closed.
            ShapeContractError: an array of another dtype, shape or layout, one that cannot be written, or two that
                share memory.
        """
        state, final_state = buffers.global_state, buffers.final_state
        if state is None and self.spec.state_shape:
            state = np.zeros((self.num_envs, *self.spec.state_shape), dtype=np.uint8)
        if final_state is None and state is not None and self.cfg.autoreset == "same_step":
            final_state = np.zeros_like(state)
        self._open().bind(
            observations=buffers.observations,
            rewards=buffers.rewards,
            terminated=buffers.terminated,
            truncated=buffers.truncated,
            first=buffers.first,
            action_mask=buffers.action_mask,
            action_success=buffers.action_success,
            used_tokens=buffers.used_tokens,
            final_observations=buffers.final_observations,
            state=state,
            final_state=final_state,
        )
        self.global_state, self.final_state = state, final_state
        self.buffers = buffers
        self.observations, self.rewards = buffers.observations, buffers.rewards
        self.terminated, self.truncated, self.first = buffers.terminated, buffers.truncated, buffers.first
        self.action_mask = buffers.action_mask
        self.action_success, self.used_tokens = buffers.action_success, buffers.used_tokens
        self.final_observations = buffers.final_observations
        size = self.num_rows // self.num_slots
        self._views = [self._view(slot, slice(slot * size, (slot + 1) * size)) for slot in range(self.num_slots)]

    def reset(self, seed: int) -> None:
        """Start episode 0 in each environment; pending episode records are dropped.

        Raises:
            ConfigError: a seed outside 0 .. 2**64 - 1.
        """
        self._open().reset(checked_seed(seed))

    def begin_next(self, env: int) -> None:
        """Begin the next episode of one environment now; its rows hold the first observation, ``first`` is true.

        Between ``recv`` and ``send`` of its slot. An episode that had not ended leaves no record.

        Raises:
            EnvError: closed, or no such environment.
        """
        self._open().begin_next(self._index(env))

    def recv(self, slot: int) -> StepBatch:
        """Wait for the slot's step, working along; the arrays are valid until ``send`` of that slot.

        Raises:
            EnvError: closed, or no such slot.
        """
        try:
            self._open().recv(slot)
        except TypeError as error:  # the binding takes no negative numbers; a check in every step would cost
            raise self._no_slot(slot) from error
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
            view.final_observations,
            view.state,
            view.final_state,
        )

    def send(self, slot: int, actions: NDArray[np.int32], strict: bool = False) -> None:
        """Start stepping the slot; returns at once.

        Shapes: ``actions [b] int32``, C-contiguous; copied before the call returns. Ids outside the action table fail
        and are counted as ``action.invalid_index``; with ``strict`` they are an error, and nothing steps.

        Raises:
            EnvError: closed, the slot's last step was not received, or (``strict``) an id outside the action table.
            ShapeContractError: another dtype, shape or layout.
        """
        try:
            self._open().send(slot, actions, strict)
        except TypeError as error:
            raise self._no_slot(slot) from error

    def step_timed(self, actions: NDArray[np.int32]) -> dict[str, tuple[int, int]]:
        """Step all rows on this thread with a clock between the phases: for benchmarks, not for play.

        Returns:
            Phase -> (nanoseconds, how often it ended); ``clock``: what so many looks at the clock cost by themselves.
        """
        return self._open().step_timed(actions)

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Episodes that ended since the last call, by (step of ending, environment). Waits for running slots."""
        return [
            EpisodeRecord(
                env=data["env"],
                episode=data["episode"],
                length=data["length"],
                game=self._games.label(data["game"]),
                game_index=data["game"],
                rewards=data["returns"].astype(np.float32),
                terminated=data["terminated"],
                truncated=data["truncated"],
                partial=data["partial"],
                agent_stats=data["agent_stats"],
                game_stats=data["game_stats"],
                group_stats=data["group_stats"],
                group_ids=data["group_ids"],
                entered=data["entered"],
            )
            for data in self._open().drain_episodes()
        ]

    def snapshot(self) -> dict[str, NDArray[np.generic]]:
        """Worlds, pending episode records, and games that were set. What ``recv`` returned is part of the worlds.

        Shapes: ``worlds [num_envs, bytes] uint8``, ``episodes [n] float64``; ``world_sizes`` where sizes differ
        (``world_arrays.py``), ``games`` and ``playing`` after ``set_game`` (``game_table.py``).
        """
        native = self._open()
        worlds = pack_worlds([native.snapshot_env(i) for i in range(self.num_envs)])
        return worlds | self._games.snapshot(native, self.num_envs) | {_EPISODES: native.episodes_flat()}

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Go back to ``snapshot()``, buffers included: ``recv`` of every slot returns what it returned then.

        Raises:
            EnvError: a part is missing, or belongs to another game, batch or engine version.
        """
        native = self._open()
        if missing := {WORLDS, _EPISODES} - state.keys():
            raise EnvError(f"the snapshot lacks {sorted(missing)}, it has {sorted(state)}. It is no engine snapshot.")
        worlds = unpack_worlds(state, self.num_envs)
        self._games.restore(native, self.num_envs, state)
        for env, world in enumerate(worlds):
            native.restore_env(env, world)
        native.restore_episodes(np.ascontiguousarray(state[_EPISODES], dtype=np.float64))
        native.mark_ready()

    def snapshot_env(self, env: int) -> bytes:
        """One environment's world as bytes."""
        return self._open().snapshot_env(self._index(env))

    def restore_env(self, env: int, data: bytes) -> None:
        """Put one environment back; its rows are written again. The bytes are trusted beyond their header.

        Raises:
            EnvError: they belong to another game or engine version, or are no bytes.
        """
        _check_kind(data, bytes, EnvError, "the snapshot is a {}, expected the bytes that snapshot_env returned.")
        self._open().restore_env(self._index(env), data)

    def save(self, env: int) -> _core.SavedWorld:
        """Keep one environment's world in memory: for searches that go back often. It lives as long as its handle.

        Unlike ``snapshot_env`` the handle cannot leave the process, and ``load`` need not check it.
        """
        return self._open().save(self._index(env))

    def load(self, env: int, saved: _core.SavedWorld) -> None:
        """Put a saved world into an environment, with the game that it played; its rows are written again.

        Raises:
            EnvError: it was saved in another batch, its game has gone from this one, or it is no saved world.
        """
        _check_kind(saved, _core.SavedWorld, EnvError, "the saved world is a {}, expected what save returned.")
        self._open().load(self._index(env), saved)

    def fork(self, from_env: int, to_env: int) -> None:
        """Make ``to_env`` a copy of ``from_env``, rows included: the same actions then have the same effects in both.

        Raises:
            EnvError: no such environment.
        """
        self._open().fork(self._index(from_env), self._index(to_env))

    def set_game(self, env: int, cfg: MettaGridConfig) -> None:
        """Let one environment play another game from its next reset on, be that an episode's end or ``reset``.

        The episode in progress goes on as it is; the last call before the reset counts. Equal games are compiled once.

        Raises:
            ConfigError: the game's spaces differ from the batch's (it says in what), or the engine refuses it.
            EnvError: no such environment, or closed.
        """
        native = self._open()
        _check_kind(cfg, MettaGridConfig, ConfigError, _MSG_NO_GAME)
        index = self._index(env)
        native.set_game(index, self._games.add(native, cfg))

    def game(self, env: int) -> MettaGridConfig:
        """The game that an environment plays in its current episode."""
        return self._games.config(self._open().playing(self._index(env))[0])

    def state_hash(self, env: int) -> int:
        """64-bit hash of the whole state of one environment; equal states of equal games have equal hashes."""
        return self._open().state_hash(self._index(env))

    def state_of(self, env: int) -> NDArray[np.uint8]:
        """Everything on one environment's map, a new array; in any game, whether or not ``obs.global_state`` is on.

        Shapes: ``[C, map height, map width] uint8``, C as ``metta.mettagrid.spec.state_channels`` names them.
        """
        return self._open().global_state(self._index(env))

    def inventory(self, env: int) -> NDArray[np.uint16]:
        """What the agents hold, a copy. Shapes: ``[agents, resources] uint16``."""
        return self._open().inventory(self._index(env))

    def set_inventory(self, env: int, agent: int, resource: str, amount: int) -> None:
        """Change what an agent holds, without reward; the environment's rows are written again.

        Raises:
            EnvError: no such agent, or more than its limit.
            ConfigError: no such resource.
        """
        names = self.program.resource_names
        if resource not in names:
            raise ConfigError(f"{resource!r} is no resource of this game; known: {names}.")
        if whole_number(amount) is None or not 0 <= amount <= 65_535:
            raise EnvError(f"amount={amount!r}, expected 0 .. 65535, a whole number.")
        if whole_number(agent) is None or not 0 <= agent < self.spec.num_agents:
            raise EnvError(f"agent {agent!r} does not exist, expected 0 .. {self.spec.num_agents - 1}.")
        self._open().set_inventory(self._index(env), agent, names.index(resource), amount)

    def grid_objects(self, env: int) -> list[dict[str, Any]]:
        """Everything on the map: agents by index, then converters, then walls; ``r``, ``c`` count from the top left."""
        return self._open().grid_objects(self._index(env))

    def render(self, env: int) -> str:
        """The map as text, a character a cell: agents 0-9a-z, ``#`` wall, ``.`` empty, others as in drawn maps."""
        return self._open().render(self._index(env))

    def step_count(self, env: int) -> int:
        """Steps of the current episode so far."""
        return self._open().step_count(self._index(env))

    def episode(self, env: int) -> int:
        """Index of the current episode, 0 after ``reset``."""
        return self._open().episode(self._index(env))

    def close(self) -> None:
        """Stop the threads. Closing twice is fine; anything else afterwards raises ``EnvError``."""
        self._native = None

    def _index(self, env: int) -> int:
        """An environment's index, checked here too: the binding takes no negative numbers."""
        number = whole_number(env)
        if number is None or not 0 <= number < self.num_envs:
            raise EnvError(f"environment {env!r} does not exist, expected 0 .. {self.num_envs - 1}.")
        return number

    def _no_slot(self, slot: object) -> EnvError:
        return EnvError(f"slot {slot!r} does not exist, expected 0 .. {self.num_slots - 1}, a whole number.")

    def _open(self) -> _core.VecEnv:
        if self._native is None:
            raise EnvError(f"the environment batch {self.spec.name!r} was closed. Make a new one with make_vec_env.")
        return self._native

    def _check_spec(self) -> None:
        """The spec is made from the config in Python, the engine's tables in C++: they must say the same."""
        mine = (self.spec.num_agents, self.cfg.env.game.obs.num_tokens, list(self.spec.action_names))
        native = (self.program.num_agents, self.program.num_tokens, self.program.action_names)
        if mine != native:
            raise ShapeContractError(
                f"the engine was built from other sources than this package: spec {mine}, engine {native}. "
                "Rebuild it: pip install -e ."
            )

    def _view(self, slot: int, rows: slice) -> StepBatch:
        envs = slice(rows.start // self.spec.num_agents, rows.stop // self.spec.num_agents)
        return StepBatch(
            slot,
            rows,
            self.observations[rows],
            self.rewards[rows],
            self.terminated[rows],
            self.truncated[rows],
            self.first[rows],
            self.action_mask[rows],
            None if self.final_observations is None else self.final_observations[rows],
            None if self.global_state is None else self.global_state[envs],
            None if self.final_state is None else self.final_state[envs],
        )
