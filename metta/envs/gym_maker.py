"""One Gymnasium environment, prepared for PufferLib; also what each worker process runs first."""

from __future__ import annotations

import contextlib
import ctypes
import multiprocessing
import os
import signal
from typing import Any

import gymnasium
import numpy as np
from gymnasium import spaces
from gymnasium.wrappers import FlattenObservation
from numpy.typing import NDArray

from metta.common.env_spec import EnvSpec
from metta.common.errors import ConfigError
from metta.common.seeding import derive_seed
from metta.common.suggest import did_you_mean

_PR_SET_PDEATHSIG = 1
_SEED_BITS = 2**31 - 1  # some environments hand their seed to numpy.random.seed, which takes 32 bits


class _Plain(gymnasium.Wrapper[NDArray[np.float32], Any, Any, Any]):
    """Flat ``float32`` observations, actions from 0, a seed of its own, no infos.

    PufferLib gives environments consecutive seeds, and with worker processes the same seed twice (worker 0's second
    environment and worker 1's first). ``seed_offset`` is what it adds to the base for this environment; the seed that
    the environment gets comes from the base and its ``index`` alone, so both backends play the same episodes.
    """

    def __init__(self, env: gymnasium.Env[Any, Any], index: int, seed_offset: int) -> None:
        super().__init__(FlattenObservation(env))
        self._index, self._seed_offset = index, seed_offset
        flat, actions = self.env.observation_space, self.env.action_space
        assert isinstance(flat, spaces.Box)
        assert isinstance(actions, spaces.Discrete)
        self.num_actions, self._first_action = int(actions.n), int(actions.start)
        self.observation_shape = tuple(flat.shape)
        self.observation_space = spaces.Box(-np.inf, np.inf, flat.shape, np.float32)
        self.action_space = spaces.Discrete(self.num_actions)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        own = None if seed is None else derive_seed(seed - self._seed_offset, "gym", self._index) & _SEED_BITS
        observation, _ = self.env.reset(seed=own, options=options)
        return observation.astype(np.float32), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        observation, reward, terminated, truncated, _ = self.env.step(int(action) + self._first_action)
        return observation.astype(np.float32), float(reward), bool(terminated), bool(truncated), {}


def make_gymnasium(env_id: str, kwargs: dict[str, Any]) -> gymnasium.Env[Any, Any]:
    """``gymnasium.make`` with our errors.

    Raises:
        ConfigError: unknown id (names the nearest), missing package, refused arguments, or spaces that do not fit.
    """
    if env_id not in gymnasium.registry:
        raise ConfigError(
            f"training_env.env_id={env_id!r} is not in Gymnasium's registry.{did_you_mean(env_id, gymnasium.registry)}"
        )
    try:
        env = gymnasium.make(env_id, disable_env_checker=True, **kwargs)
    except (gymnasium.error.Error, ImportError, TypeError, ValueError) as error:
        raise ConfigError(
            f"training_env.env_id={env_id!r} with training_env.kwargs={kwargs} cannot be made: {error}"
        ) from error
    _check_spaces(env_id, env)
    return env


def make_puffer_env(
    env_id: str, kwargs: dict[str, Any], index: int, seed_offset: int, buf: Any = None, seed: int = 0
) -> Any:
    """What PufferLib calls for each environment, in the process that will step it. ``seed`` comes with ``reset``."""
    from pufferlib.emulation import GymnasiumPufferEnv

    if multiprocessing.parent_process() is not None:
        _become_worker()
    return GymnasiumPufferEnv(_Plain(make_gymnasium(env_id, kwargs), index, seed_offset), buf=buf)


def gym_spec(env_id: str, kwargs: dict[str, Any]) -> EnvSpec:
    """Layout of the environment's observations and actions; makes one and closes it.

    Raises:
        ConfigError: see :func:`make_gymnasium`.
    """
    env = _Plain(make_gymnasium(env_id, kwargs), 0, 0)
    try:
        shape, num_actions = env.observation_shape, env.num_actions
    finally:
        env.close()
    names = tuple(f"action_{number}" for number in range(num_actions))
    return EnvSpec(name=env_id, obs_kind="box", obs_shape=shape, obs_dtype="float32", action_names=names, num_agents=1)


def _check_spaces(env_id: str, env: gymnasium.Env[Any, Any]) -> None:
    if not isinstance(env.action_space, spaces.Discrete):
        raise ConfigError(
            f"training_env.env_id={env_id!r} has actions {env.action_space}, expected one Discrete choice. "
            "Continuous and multi-part actions are not supported; take an environment with discrete ones, "
            "such as CartPole-v1."
        )
    if not env.observation_space.is_np_flattenable:
        raise ConfigError(
            f"training_env.env_id={env_id!r} has observations {env.observation_space}, which have no fixed size "
            "when flattened. Wrap the environment so that they do."
        )


def _become_worker() -> None:
    """Leave signals to the trainer, and die with it: a forked child has its handlers, which only set a flag."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the trainer saves, then closes us
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # a terminal that hung up, a scheduler's request for a checkpoint:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # the same holds
    parent = multiprocessing.parent_process()
    with contextlib.suppress(OSError, AttributeError):  # Linux only; elsewhere orphans end when their pipe breaks
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if parent is not None and os.getppid() != parent.pid:
        os._exit(1)  # it died before the kernel was told
