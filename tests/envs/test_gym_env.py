"""Gymnasium environments keep our batch protocol: next-step auto-reset, exact seeds, workers that cannot hang."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
import pytest

from metta.common.errors import EnvError
from metta.envs.gym_env import GymVecEnv
from metta.envs.gym_env_config import GymEnvConfig

CARTPOLE = GymEnvConfig(num_envs=4)


@pytest.fixture
def env() -> Iterator[GymVecEnv]:
    env = GymVecEnv(CARTPOLE, seed=3)
    yield env
    env.close()


def play(env: GymVecEnv, steps: int) -> list[tuple[np.ndarray, ...]]:
    """Copies of every batch under seeded random actions."""
    rng, seen = np.random.default_rng(0), []
    for _ in range(steps):
        batch = env.recv(0)
        arrays = (batch.observations, batch.rewards, batch.terminated, batch.truncated, batch.first)
        seen.append(tuple(array.copy() for array in arrays))
        env.send(0, rng.integers(0, 2, env.num_rows).astype(np.int32))
    return seen


def same(a: list[tuple[np.ndarray, ...]], b: list[tuple[np.ndarray, ...]]) -> bool:
    return all(np.array_equal(x, y) for left, right in zip(a, b, strict=True) for x, y in zip(left, right, strict=True))


def test_next_step_auto_reset(env: GymVecEnv) -> None:
    """final observation with its flag -> ignored action -> first observation, reward 0, no flag."""
    batches = play(env, 120)
    observations, rewards, terminated, truncated, first = (np.stack(part) for part in zip(*batches, strict=True))
    done = terminated | truncated
    assert first[0].all()
    assert (first[1:] == done[:-1]).all()
    assert (rewards[first] == 0).all()
    assert not done[first].any()
    assert done.any()
    assert (np.abs(observations[first]) <= 0.05).all(), "CartPole starts near zero"
    assert (np.abs(observations[done][:, [0, 2]]) > [2.4, 0.2095]).any(axis=1).all(), "the final observation is shown"


def test_time_limits_truncate() -> None:
    env = GymVecEnv(GymEnvConfig(env_id="CartPole-v1", num_envs=2, kwargs={"max_episode_steps": 5}), seed=0)
    batches = play(env, 7)
    assert [bool(batch[3].all()) for batch in batches] == [False] * 5 + [True, False]
    assert not any(batch[2].any() for batch in batches)
    assert [(r.length, r.truncated, r.terminated) for r in env.drain_episodes()] == [(5, True, False)] * 2
    env.close()


def test_episode_records(env: GymVecEnv) -> None:
    """CartPole pays 1 a step, so the return is the length; records come once, in order of ending."""
    play(env, 200)
    records = env.drain_episodes()
    assert len(records) > 4
    assert all(float(record.rewards[0]) == record.length for record in records)
    for index in range(4):
        mine = [record.episode for record in records if record.env == index]
        assert mine == list(range(len(mine)))
    assert env.drain_episodes() == []


def test_same_seed_same_bytes(env: GymVecEnv) -> None:
    first = play(env, 80)
    env.reset(3)
    assert same(first, play(env, 80))
    env.reset(4)
    assert not same(first, play(env, 80))


def test_every_environment_has_its_own_seed(env: GymVecEnv) -> None:
    observations = env.recv(0).observations
    assert len({row.tobytes() for row in observations}) == 4


def test_worker_processes_play_the_same_episodes(env: GymVecEnv) -> None:
    """Both backends seed by the environment's number alone; PufferLib itself gives workers overlapping seeds."""
    workers = GymVecEnv(CARTPOLE.replace({"backend": "multiprocessing", "num_workers": 2}), seed=3)
    try:
        assert same(play(env, 60), play(workers, 60))
        assert [astuple(r) for r in env.drain_episodes()] == [astuple(r) for r in workers.drain_episodes()]
        workers.reset(3)
        env.reset(3)
        assert same(play(env, 10), play(workers, 10))
    finally:
        workers.close()


def test_recv_is_repeatable(env: GymVecEnv) -> None:
    assert env.recv(0) is env.recv(0)


def test_workers_start_anew_after_a_batch_was_read() -> None:
    """As a training that goes on does. PufferLib's own reset waits for ever for what its recv() has read already."""
    workers = GymVecEnv(
        CARTPOLE.replace({"backend": "multiprocessing", "num_workers": 2, "worker_timeout": 60}), seed=3
    )
    try:
        first = play(workers, 10)
        workers.recv(0)
        workers.reset(3)
        assert same(play(workers, 10), first)
    finally:
        workers.close()


def test_a_killed_worker_is_an_error_at_once() -> None:
    env = GymVecEnv(CARTPOLE.replace({"backend": "multiprocessing", "num_workers": 2}), seed=3)
    play(env, 2)
    env.recv(0)
    victim = env._processes[1]
    os.kill(victim.pid, signal.SIGKILL)
    victim.join()
    env.send(0, np.zeros(4, np.int32))
    with pytest.raises(EnvError, match="worker 1 of 2 running CartPole-v1 ended with exit code -9"):
        env.recv(0)
    assert not any(process.is_alive() for process in env._processes)


def test_wrong_use_is_told(env: GymVecEnv) -> None:
    with pytest.raises(EnvError, match=r"send\(\) came before recv\(\)"):
        env.send(0, np.zeros(4, np.int32))
    env.recv(0)
    with pytest.raises(EnvError, match=r"actions \[3\], expected \[4\]"):
        env.send(0, np.zeros(3, np.int32))
    with pytest.raises(EnvError, match="from 0 to 2, CartPole-v1 has 0 to 1"):
        env.send(0, np.array([0, 1, 2, 0], np.int32))


def test_closed_batches_refuse_work(env: GymVecEnv) -> None:
    env.close()
    env.close()
    with pytest.raises(EnvError, match="closed"):
        env.recv(0)


def test_episodes_cannot_be_saved_half_way(env: GymVecEnv) -> None:
    assert env.snapshot() is None
    with pytest.raises(EnvError, match="cannot be restored half-way"):
        env.restore({})


class Trouble(gymnasium.Env[Any, Any]):
    """CartPole's spaces; steps take ``seconds``, or until the file ``awaited`` is there, and raise where ``fault`` says
    so."""

    observation_space = gymnasium.spaces.Box(-1, 1, (4,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, seconds: float = 0.0, fault: bool = False, awaited: str = "") -> None:
        self.seconds, self.fault, self.awaited = seconds, fault, awaited

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        return np.zeros(4, np.float32), {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        if self.fault:
            raise ValueError("the world is not enough")
        time.sleep(self.seconds)
        while self.awaited and not Path(self.awaited).exists():
            time.sleep(0.01)
        return np.zeros(4, np.float32), 1.0, False, False, {}


def make_trouble(**kwargs: Any) -> Trouble:
    """As gymnasium wants its entry points: any keyword."""
    return Trouble(**kwargs)


WORKERS = GymEnvConfig(num_envs=2, backend="multiprocessing", num_workers=2)


@pytest.fixture
def trouble() -> Iterator[Callable[..., GymVecEnv]]:
    """Makes two workers with ``Trouble``; none of them outlives the test."""
    gymnasium.register("Trouble-v0", make_trouble, disable_env_checker=True, order_enforce=False)
    made: list[GymVecEnv] = []

    def make(timeout: float, **kwargs: Any) -> GymVecEnv:
        made.append(
            GymVecEnv(WORKERS.replace({"env_id": "Trouble-v0", "worker_timeout": timeout, "kwargs": kwargs}), 3)
        )
        return made[-1]

    yield make
    for env in made:
        env.close()
    del gymnasium.registry["Trouble-v0"]


def test_a_worker_that_hangs_is_an_error_in_time(trouble: Callable[..., GymVecEnv]) -> None:
    env = trouble(2.0)
    play(env, 2)
    env.recv(0)
    os.kill(env._processes[1].pid, signal.SIGSTOP)
    env.send(0, np.zeros(2, np.int32))
    began = time.monotonic()
    with pytest.raises(
        EnvError, match=r"worker 1 of 2 running Trouble-v0 did not answer for 2 s \(T \(stopped\)\)"
    ) as caught:
        env.recv(0)
    assert time.monotonic() - began < 20
    assert "training_env.worker_timeout" in str(caught.value)
    assert not any(process.is_alive() for process in env._processes)


def test_a_worker_that_raises_is_an_error_at_once(
    trouble: Callable[..., GymVecEnv], capfd: pytest.CaptureFixture[str]
) -> None:
    env = trouble(30.0, fault=True)
    env.recv(0)
    env.send(0, np.zeros(2, np.int32))
    with pytest.raises(EnvError, match="of 2 running Trouble-v0 ended with exit code 1"):
        env.recv(0)
    assert "ValueError: the world is not enough" in capfd.readouterr().err


def test_a_slow_worker_is_waited_for_without_a_busy_core(trouble: Callable[..., GymVecEnv], tmp_path: Path) -> None:
    enough = tmp_path / "enough"
    env = trouble(120.0, awaited=str(enough))
    env.recv(0)
    env.send(0, np.zeros(2, np.int32))
    waited: list[float] = []

    def wait() -> None:
        waited.append(time.process_time())
        if len(waited) == 12:
            enough.touch()

    env.while_waiting = wait
    assert env.recv(0).rewards.tolist() == [1.0, 1.0]
    assert len(waited) >= 12, "somebody may ask to stop meanwhile"
    assert waited[11] - waited[0] < 0.25


def test_waiting_can_be_stopped(trouble: Callable[..., GymVecEnv]) -> None:
    env = trouble(60.0, seconds=30.0)
    env.recv(0)
    env.send(0, np.zeros(2, np.int32))

    def stop() -> None:
        raise InterruptedError

    env.while_waiting = stop
    with pytest.raises(InterruptedError):
        env.recv(0)
    env.close()
    assert not any(process.is_alive() for process in env._processes)


_HOLDER = """
import signal, sys
from metta.envs.gym_env import GymVecEnv
from metta.envs.gym_env_config import GymEnvConfig
env = GymVecEnv(GymEnvConfig(num_envs=2, backend="multiprocessing", num_workers=2), 3)
env.recv(0)
print(*(process.pid for process in env._processes), flush=True)
signal.pause()
"""


def test_workers_end_with_their_trainer_and_leave_no_shared_memory() -> None:
    before = set(os.listdir("/dev/shm"))
    holder = subprocess.Popen([sys.executable, "-c", _HOLDER], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    workers = [int(pid) for pid in holder.stdout.readline().split()]
    assert len(workers) == 2
    os.kill(workers[0], signal.SIGSTOP)  # a stopped one must not stay either
    holder.kill()
    holder.wait()
    holder.stdout.close()
    end = time.monotonic() + 2
    while any(_lives(pid) for pid in workers) and time.monotonic() < end:
        time.sleep(0.01)
    assert not [pid for pid in workers if _lives(pid)]
    assert set(os.listdir("/dev/shm")) <= before


def _lives(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"
