"""PufferLib's protocol and its vector backends, unmodified."""

from __future__ import annotations

from typing import Any

import numpy as np
import pufferlib
import pufferlib.vector
import pytest
from numpy.typing import NDArray

from metta.common.errors import ConfigError, EnvError, ShapeContractError
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.wrappers.puffer import PufferMettaGridEnv


def buffers(rows: int) -> dict[str, NDArray[Any]]:
    flags = {name: np.zeros(rows, dtype=np.bool_) for name in ("terminals", "truncations", "masks")}
    return flags | {
        "observations": np.zeros((rows, 200, 3), dtype=np.uint8),
        "rewards": np.zeros(rows, dtype=np.float32),
        "actions": np.zeros(rows, dtype=np.int32),
        "teacher_actions": np.zeros(rows, dtype=np.int32),
    }


def test_the_engine_writes_into_pufferlibs_buffers() -> None:
    buf = buffers(6)
    env = PufferMettaGridEnv("arena", num_agents=3, num_envs=2, buf=buf, seed=4)
    raw = make_vec_env(
        VecEnvConfig(env=make_arena(3), num_envs=2, num_slots=1, num_threads=1, desync_episodes=False), seed=4
    )
    observations, infos = env.reset()
    assert observations is buf["observations"]
    assert infos == []
    raw.recv(0)
    rng = np.random.default_rng(0)
    for _ in range(60):
        actions = rng.integers(0, 14, 6, dtype=np.int32)
        env.step(actions)
        raw.send(0, actions)
        raw.recv(0)
        np.testing.assert_array_equal(buf["observations"], raw.observations)
        np.testing.assert_array_equal(buf["rewards"], raw.rewards)
        np.testing.assert_array_equal(env.action_masks(), raw.action_mask)
    assert buf["masks"].all()
    env.close()


def test_send_and_recv_overlap_and_return_eight_items() -> None:
    env = PufferMettaGridEnv("arena", num_agents=3, num_envs=4, num_threads=2)
    env.async_reset(seed=1)
    for _ in range(3):
        received = env.recv()
        assert len(received) == 8
        assert received[0] is env.observations
        env.send(np.zeros(12, dtype=np.int64))
    with pytest.raises(EnvError, match=r"Call recv\(0\) first"):
        env.send(np.zeros(12, dtype=np.int64))
    env.close()


def test_episodes_are_told_as_means() -> None:
    env = PufferMettaGridEnv(make_arena(2).replace({"game.max_steps": 5}), num_envs=3)
    env.reset(seed=0)
    told = [env.step(np.full(6, 1))[4] for _ in range(11)]
    assert [len(infos) for infos in told] == [0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 3]
    assert told[4][0]["episode_length"] == 5
    assert {"episode_return", "agent/action.move.success", "game/objects.altar"} <= told[4][0].keys()


def test_seeds() -> None:
    env = PufferMettaGridEnv(num_agents=3, seed=7)
    first = env.reset()[0].copy()
    assert (env.reset()[0] != first).any(), "a reset without a seed starts another episode"
    np.testing.assert_array_equal(env.reset(seed=7)[0], first)


def test_rows_of_absent_agents_are_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    env = PufferMettaGridEnv(num_agents=3)
    env.reset(seed=0)
    real = env._vec.recv

    def without_agent_1(slot: int) -> object:
        batch = real(slot)
        env.terminals[1] = True
        return batch

    noops = np.zeros(3, dtype=np.int32)
    monkeypatch.setattr(env._vec, "recv", without_agent_1)
    env.step(noops)
    assert env.masks.tolist() == [True, True, True], "its end is still its own"
    env.step(noops)
    assert env.masks.tolist() == [True, False, True]
    monkeypatch.setattr(env._vec, "recv", real)
    env.step(noops)
    assert env.masks.all()


@pytest.mark.parametrize("kind", ["flat", "multi"])
@pytest.mark.parametrize(
    ("backend", "options"),
    [
        (pufferlib.PufferEnv, {}),
        (pufferlib.vector.Serial, {"num_envs": 2}),
        pytest.param(
            pufferlib.vector.Multiprocessing,
            {"num_envs": 2, "num_workers": 2, "overwork": True},
            # PufferLib forks, and it is the last to use the threads that torch has started.
            marks=pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning"),
        ),
    ],
)
def test_pufferlibs_backends(backend: Any, options: dict[str, Any], kind: str) -> None:
    """The same seed and actions give the same bytes with every backend."""
    kwargs = {"num_agents": 3, "action_space": kind}
    vector = pufferlib.vector.make(PufferMettaGridEnv, env_kwargs=kwargs, backend=backend, **options)
    alone = PufferMettaGridEnv("arena", num_agents=3, action_space=kind)  # pyright: ignore[reportArgumentType]
    try:
        observations, _ = vector.reset(seed=5)
        alone.reset(seed=5)
        rng = np.random.default_rng(0)
        for _ in range(12):
            shape = (vector.num_agents, *(() if kind == "flat" else (2,)))
            actions = rng.integers(0, 3, shape)
            observations, rewards, terminals, _, _ = vector.step(actions)
            alone.step(actions[:3])
            assert observations.shape == (vector.num_agents, 200, 3)
            np.testing.assert_array_equal(observations[:3], alone.observations)
            np.testing.assert_array_equal(rewards[:3], alone.rewards)
            assert not terminals.any()
    finally:
        vector.close()


def test_mistakes_are_named() -> None:
    wrong = buffers(6) | {"observations": np.zeros((6, 100, 3), dtype=np.uint8)}
    with pytest.raises(ShapeContractError, match=r"observations is uint8\[6, 100, 3\], expected uint8\[6, 200, 3\]"):
        PufferMettaGridEnv(num_agents=3, num_envs=2, buf=wrong)
    with pytest.raises(ShapeContractError, match="not C-contiguous"):
        PufferMettaGridEnv(num_agents=3, buf=buffers(3) | {"rewards": np.zeros(6, dtype=np.float32)[::2]})
    with pytest.raises(ConfigError, match="'arenas' is unknown"):
        PufferMettaGridEnv("arenas")
    env = PufferMettaGridEnv(num_agents=3)
    with pytest.raises(EnvError, match=r"came before reset\(\)"):
        env.step(np.zeros(3, dtype=np.int32))
    env.reset(seed=0)
    with pytest.raises(ShapeContractError, match=r"float64\[3\], expected integers \[3\]"):
        env.step(np.zeros(3))  # pyright: ignore[reportArgumentType] - the mistake
    with pytest.raises(EnvError, match=r"actions\[2\] = 99 is no action"):
        env.step(np.array([0, 0, 99], dtype=np.int32))
    env.step(np.zeros(3, dtype=np.int32))  # nothing had been stepped by the refused ones
    env.close()
    env.close()
    for use in (lambda: env.step(np.zeros(3, dtype=np.int32)), lambda: env.reset(seed=0), env.render):
        with pytest.raises(EnvError, match="was closed"):
            use()
