"""Gymnasium environments behind our batch protocol, vectorised by PufferLib."""

from __future__ import annotations

import atexit
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pufferlib.vector
from numpy.typing import NDArray

from metta.common.errors import EnvError
from metta.common.seeding import derive_seed
from metta.common.vector_env import EpisodeRecord, StepBatch
from metta.envs.gym_env_config import GymEnvConfig
from metta.envs.gym_maker import gym_spec, make_puffer_env

_POLLS_BETWEEN_LIFE_SIGNS = 500
_SECONDS_OF_POLLING = 0.05
"""Afterwards the environments are slow, and a busy loop would only take the core that they need."""
_NAP = 0.001
_SECONDS_TO_STOP = 2.0
_SEED_BITS = 2**30 - 1  # room for what PufferLib adds per environment


class GymVecEnv:
    """``num_envs`` copies of one Gymnasium environment in one slot; every environment is an agent row.

    PufferLib resets an ended environment with the next ``send`` and ignores the action, which is the protocol's
    next-step auto-reset; ``first``, returns and episode records are added here. Episodes cannot be saved half-way:
    ``snapshot`` is None. A worker process that dies, or does not answer for ``worker_timeout`` seconds, is an error.
    ``while_waiting`` is called now and then meanwhile and may raise to stop.

    Raises:
        ConfigError: unknown id, missing package, or spaces that do not fit.
    """

    num_slots = 1

    def __init__(self, config: GymEnvConfig, seed: int, while_waiting: Callable[[], None] = lambda: None) -> None:
        self.spec = gym_spec(config.env_id, config.kwargs)
        self.num_envs = self.num_rows = config.num_envs
        self._rows = slice(0, self.num_envs)
        self._vector: Any = _make_vector(config)
        self._processes: list[Any] = list(getattr(self._vector, "processes", ()))
        self._closed = False
        self._timeout = config.worker_timeout
        self.while_waiting = while_waiting
        self._batch: StepBatch | None = None
        # Worker processes are no daemons: without this an exception in the trainer would wait for them forever.
        atexit.register(self.close)
        self.reset(seed)

    def reset(self, seed: int) -> None:
        """Start new episodes; the same ``seed`` gives the same bytes with either backend."""
        self._check_open()
        if self._processes:
            self._wait_for_workers()
            if self._batch is not None:
                # PufferLib would wait, for ever, for what recv() has taken from the workers' pipes already.
                self._vector.waiting_workers = []
        self._vector.async_reset(derive_seed(seed, "gym") & _SEED_BITS)
        self._episodes: list[EpisodeRecord] = []
        self._counts = np.zeros(self.num_envs, dtype=np.int64)
        self._returns = np.zeros(self.num_envs, dtype=np.float64)
        self._lengths = np.zeros(self.num_envs, dtype=np.int64)
        self._done = np.ones(self.num_envs, dtype=np.bool_)  # "ended before": what arrives next is `first`
        self._batch = None

    def recv(self, slot: int) -> StepBatch:
        """The batch after the last ``send`` or ``reset``; asking again returns the same.

        Raises:
            EnvError: closed, or a worker process died or hangs.
        """
        self._check_open()
        if self._batch is None:
            if self._processes:
                self._wait_for_workers()
            self._batch = self._take()
        return self._batch

    def send(self, slot: int, actions: NDArray[np.int32]) -> None:
        """Step all environments.

        Raises:
            EnvError: closed, ``recv`` was left out, or actions of another shape or out of range.
        """
        self._check_open()
        if self._batch is None:
            raise EnvError("send() came before recv(): the observations that these actions answer were never read.")
        if actions.shape != (self.num_rows,):
            raise EnvError(f"send() got actions {list(actions.shape)}, expected [{self.num_rows}]: one a row.")
        if actions.min() < 0 or actions.max() >= self.spec.num_actions:
            raise EnvError(
                f"send() got actions from {actions.min()} to {actions.max()}, "
                f"{self.spec.name} has 0 to {self.spec.num_actions - 1}."
            )
        self._batch = None
        self._vector.send(np.ascontiguousarray(actions, dtype=np.int32))

    def drain_episodes(self) -> list[EpisodeRecord]:
        """Episodes that ended since the last call."""
        drained, self._episodes = self._episodes, []
        return drained

    def snapshot(self) -> dict[str, NDArray[np.generic]] | None:
        """None: a foreign environment's state is its own."""
        return None

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None:
        """Refused.

        Raises:
            EnvError: always.
        """
        raise EnvError(f"{self.spec.name} cannot be restored half-way through an episode. Call reset() instead.")

    def close(self) -> None:
        """Stop the worker processes; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        atexit.unregister(self.close)
        self._vector.close()
        for process in self._processes:
            process.join(timeout=_SECONDS_TO_STOP)
            if process.is_alive():
                process.kill()
                process.join()

    def _take(self) -> StepBatch:
        # Eight items: teacher actions are an addition of pufferlib-core to PufferLib's seven.
        observations, rewards, terminated, truncated, _, _, _, _ = self._vector.recv()
        first, self._done = self._done, terminated | truncated
        self._returns[first] = 0.0
        self._lengths[first] = 0
        self._returns += rewards
        self._lengths += ~first
        for env in np.flatnonzero(self._done):
            self._record(int(env), bool(terminated[env]), bool(truncated[env]))
        return StepBatch(
            slot=0,
            rows=self._rows,
            observations=observations,
            rewards=rewards,
            terminated=terminated,
            truncated=truncated,
            first=first,
        )

    def _record(self, env: int, terminated: bool, truncated: bool) -> None:
        self._episodes.append(
            EpisodeRecord(
                env=env,
                episode=int(self._counts[env]),
                length=int(self._lengths[env]),
                rewards=self._returns[env : env + 1].astype(np.float32),
                terminated=terminated,
                truncated=truncated,
            )
        )
        self._counts[env] += 1

    def _wait_for_workers(self) -> None:
        # PufferLib waits for its workers without ever asking whether they live.
        flags = self._vector.buf["semaphores"]
        polls, began = 0, time.monotonic()
        while (flags < pufferlib.vector.MAIN).any():
            polls += 1
            if polls % _POLLS_BETWEEN_LIFE_SIGNS:
                time.sleep(0)
                continue
            self.while_waiting()
            self._check_workers()
            waited = time.monotonic() - began
            if waited > self._timeout:
                self._give_up(np.flatnonzero(flags < pufferlib.vector.MAIN))
            if waited > _SECONDS_OF_POLLING:
                polls -= 1  # from here on every round looks
                time.sleep(_NAP)

    def _give_up(self, hanging: NDArray[np.intp]) -> None:
        numbers = ", ".join(str(number) for number in hanging)
        states = ", ".join(_state_of(self._processes[number].pid) for number in hanging)
        self.close()
        raise EnvError(
            f"worker {numbers} of {len(self._processes)} running {self.spec.name} did not answer for "
            f"{self._timeout:g} s ({states}), so all were ended. Does the environment wait for something? If a step or "
            "reset may take longer, set training_env.worker_timeout higher; training_env.backend=serial shows where "
            "it stands."
        )

    def _check_workers(self) -> None:
        for number, process in enumerate(self._processes):
            if not process.is_alive():
                code = process.exitcode
                self.close()
                raise EnvError(
                    f"worker {number} of {len(self._processes)} running {self.spec.name} ended with exit code {code}. "
                    "A negative code is a signal (-9: out of memory or killed); else its traceback is above."
                )

    def _check_open(self) -> None:
        if self._closed:
            raise EnvError(f"{self.spec.name}: the batch of environments is closed.")


def _state_of(pid: int) -> str:
    """What the kernel says of a process, such as ``T (stopped)``; only Linux tells."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return "state unknown"
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("State:")), "state unknown")


def _make_vector(config: GymEnvConfig) -> Any:
    count = config.num_envs
    options: dict[str, Any]
    if config.backend == "serial":
        options, offsets = {"backend": pufferlib.vector.Serial}, range(count)
    else:
        per_worker = count // config.num_workers
        options = {"backend": pufferlib.vector.Multiprocessing, "num_workers": config.num_workers, "overwork": True}
        offsets = [index // per_worker + index % per_worker for index in range(count)]
    env_kwargs = [
        {"env_id": config.env_id, "kwargs": config.kwargs, "index": index, "seed_offset": offset}
        for index, offset in enumerate(offsets)
    ]
    return pufferlib.vector.make(
        [make_puffer_env] * count,
        env_args=[[] for _ in range(count)],
        env_kwargs=env_kwargs,
        num_envs=count,
        **options,
    )
