"""PettingZoo's and SuperSuit's own suites, unmodified, and what they leave out."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from pettingzoo.test import (
    api_test,
    max_cycles_test,
    parallel_api_test,
    parallel_seed_test,
    render_test,
    seed_test,
)
from pettingzoo.test.state_test import state_test
from pettingzoo.utils.conversions import parallel_to_aec

from metta.common.errors import EnvError, ShapeContractError
from metta.common.vector_env import StepBatch
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.game import MettaGridConfig
from metta.mettagrid.env import MettaGridEnv
from metta.mettagrid.wrappers import pettingzoo as module
from metta.mettagrid.wrappers.pettingzoo import MettaGridPettingZooEnv


def make(**kwargs: Any) -> MettaGridPettingZooEnv:
    return MettaGridPettingZooEnv("arena", **{"num_agents": 3, "max_cycles": 120, **kwargs})


@pytest.mark.parametrize("kind", ["flat", "multi"])
def test_parallel_api(kind: str) -> None:
    parallel_api_test(make(action_space=kind), num_cycles=1000)


@pytest.mark.parametrize("kind", ["flat", "multi"])
@pytest.mark.filterwarnings("ignore:Action space for each agent probably should be:UserWarning")  # MultiDiscrete
def test_aec_api(kind: str) -> None:
    api_test(parallel_to_aec(make(action_space=kind)), num_cycles=500)


def test_seeds() -> None:
    seed_test(lambda: parallel_to_aec(make()), num_cycles=300)
    parallel_seed_test(make, num_cycles=300)


def test_max_cycles() -> None:
    max_cycles_test(module)


def test_rendering(capsys: pytest.CaptureFixture[str]) -> None:
    def checked(**kwargs: Any) -> Any:
        return module.env(game="empty", num_agents=3, **kwargs)

    render_test(checked)
    assert "step 1" in capsys.readouterr().out


def test_state() -> None:
    state_test(parallel_to_aec(make()), make())


def test_supersuits_chain() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # importing SuperSuit warns about its own dependencies
        import supersuit as ss

    env: Any = ss.flatten_v0(ss.normalize_obs_v0(ss.dtype_v0(make(), "float32"), env_min=0, env_max=1))
    env = ss.frame_stack_v1(ss.black_death_v3(ss.agent_indicator_v0(env)), 2)
    parallel_api_test(env, num_cycles=200)
    for base, shape in (("stable_baselines3", (6, 600)), ("gymnasium", (6, 600))):
        vector: Any = ss.pettingzoo_env_to_vec_env_v1(ss.flatten_v0(make()))
        vector = ss.concat_vec_envs_v1(vector, 2, num_cpus=0, base_class=base)
        vector.reset()
        assert vector.step(np.zeros(6, dtype=np.int64))[0].shape == shape


_DIGEST = """
import sys
sys.path.insert(0, {root!r})
from tests.mettagrid.wrappers.test_pettingzoo import digest
print(digest(10_000))
"""


def digest(steps: int) -> str:
    """SHA-256 over everything that ``steps`` random steps return, unseeded resets included."""
    env = make(max_cycles=700)
    rng = np.random.default_rng(3)
    seen = hashlib.sha256()
    observations, _ = env.reset(seed=11)
    for _ in range(steps):
        if not env.agents:
            observations, _ = env.reset()
        actions = {agent: int(rng.integers(14)) for agent in env.agents}
        observations, rewards, terminated, truncated, _ = env.step(actions)
        for agent, observation in observations.items():
            seen.update(observation.tobytes())
            seen.update(f"{agent}{rewards[agent]}{terminated[agent]}{truncated[agent]}".encode())
    seen.update(env.state().tobytes())
    return seen.hexdigest()


def test_ten_thousand_steps_are_the_same_in_two_processes() -> None:
    """PettingZoo 1.27's parallel seed test compares one step only."""
    command = [sys.executable, "-c", _DIGEST.format(root=str(Path(__file__).resolve().parents[3]))]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    digests = [process.communicate(timeout=120)[0].strip() for process in processes]
    assert digests[0] == digests[1]
    assert len(digests[0]) == 64


def test_what_was_returned_never_changes() -> None:
    env = make()
    kept: list[tuple[NDArray[Any], NDArray[Any]]] = []
    observations, infos = env.reset(seed=0)
    rng = np.random.default_rng(0)
    for _ in range(30):
        arrays = [*observations.values(), *(info["action_mask"] for info in infos.values()), env.state()]
        kept += [(array, array.copy()) for array in arrays]
        observations, _, _, _, infos = env.step({agent: int(rng.integers(14)) for agent in env.agents})
    for array, copied in kept:
        np.testing.assert_array_equal(array, copied)


class ComingAndGoing:
    """The real world, with agents that are away (terminated stays true) as a table of steps says."""

    def __init__(self, env: MettaGridEnv, away: Sequence[Sequence[int]]) -> None:
        self._env, self._away, self._step = env, away, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._env, name)

    def reset(self, seed: int) -> StepBatch:
        self._step = 0
        return self._marked(self._env.reset(seed))

    def step(self, actions: NDArray[np.int32]) -> StepBatch:
        self.actions = actions.copy()
        self._step += 1
        return self._marked(self._env.step(actions))

    def _marked(self, batch: StepBatch) -> StepBatch:
        terminated = batch.terminated.copy()
        terminated[list(self._away[min(self._step, len(self._away) - 1)])] = True
        return replace(batch, terminated=terminated)


def with_absence(away: Sequence[Sequence[int]], cfg: MettaGridConfig | None = None) -> MettaGridPettingZooEnv:
    env = MettaGridPettingZooEnv(cfg or make_arena(3), max_cycles=20)
    env._session.env = ComingAndGoing(env._session.env, away)  # pyright: ignore[reportAttributeAccessIssue] - the fake
    return env


def test_agents_leave_and_enter() -> None:
    env = with_absence([[2], [2], [1], [1], [0, 1, 2]])
    observations, infos = env.reset(seed=0)
    assert env.agents == list(observations) == list(infos) == ["agent_0", "agent_1"]
    actions = {"agent_0": 1, "agent_1": 2}
    env.step(actions)
    fake: Any = env._session.env
    assert fake.actions.tolist() == [1, 2, 0], "agents that are away do nothing"
    observations, rewards, terminated, truncated, infos = env.step(actions)
    assert env.agents == ["agent_0", "agent_2"], "agent_1 has left, agent_2 has come"
    for result in (observations, rewards, terminated, truncated, infos):
        assert list(result) == ["agent_0", "agent_1", "agent_2"]
    assert terminated == {"agent_0": False, "agent_1": True, "agent_2": False}
    with pytest.raises(EnvError, match=r"actions lack \['agent_2'\] and have \['agent_1'\] too many"):
        env.step(actions)
    observations, *_ = env.step({"agent_0": 0, "agent_2": 0})
    assert list(observations) == ["agent_0", "agent_2"]
    env.step({"agent_0": 0, "agent_2": 0})
    assert env.agents == []
    with pytest.raises(EnvError, match="after the episode's end"):
        env.step({})
    env.reset(seed=1)
    assert env.num_agents == 2


def test_the_suites_take_games_with_absence() -> None:
    away = [[2], [2], [], [0], [0], [0], [0, 1], [0, 1, 2]]
    parallel_api_test(with_absence(away), num_cycles=100)
    api_test(parallel_to_aec(with_absence([[], [], [1], [1], [0, 1], [0, 1, 2]])), num_cycles=20)


TURNOVER: dict[str, Any] = {
    "population": {"initial_agents": 1, "enter_steps": [2, 5, 7, 9], "leave_steps": [8], "stay": 25},
    "health": {"resource": "heart", "respawn_ticks": 3},
    "upkeep": {"resources": {"heart": 0.2}, "on_shortage": "die"},
}
"""Agents enter late, die, come back and leave. All enter: the suite asks that all who may play do."""


@pytest.mark.parametrize("respawn", [3, None])
def test_the_suites_take_games_whose_agents_enter_and_leave(respawn: int | None) -> None:
    """The engine's own turnover, over several episodes."""
    systems = TURNOVER | {"health": TURNOVER["health"] | {"respawn_ticks": respawn}}
    game = make_arena(5).replace({"game.agent.initial_inventory": {"heart": 3}, "game.systems": systems})
    env = MettaGridPettingZooEnv(game, max_cycles=60)
    env.reset(seed=1)
    present = [tuple(env.agents)]
    while env.agents:
        env.step(dict.fromkeys(env.agents, 1))
        present.append(tuple(env.agents))
    assert present[0] == ("agent_0",)
    seen = {agent for agents in present for agent in agents}
    assert seen == set(env.possible_agents)
    assert any(set(now) < set(then) for then, now in pairwise(present)), "somebody leaves while others play on"
    parallel_api_test(MettaGridPettingZooEnv(game, max_cycles=60), num_cycles=300)


def test_the_state_is_the_map() -> None:
    env = make()
    env.reset(seed=0)
    state = env.state()
    assert env.state_space.contains(state)
    text = env._session.env.render().splitlines()
    stands = state[env.state_channels.index("agent:id")] + state[env.state_channels.index("type_id")] > 0
    np.testing.assert_array_equal(stands, [[char != "." for char in line] for line in text])
    for thing in env._session.env.grid_objects()[:3]:
        assert state[0, thing["r"], thing["c"]] == thing["agent_id"] + 1


@pytest.mark.parametrize(
    ("use", "error", "message"),
    [
        (lambda env: env.step({}), EnvError, r"came before reset\(\)"),
        (lambda env: (env.reset(), env.step([0, 0, 0])), ShapeContractError, "actions is a list, expected a dict"),
        (lambda env: (env.reset(), env.step({})), EnvError, r"lack \['agent_0', 'agent_1', 'agent_2'\]"),
        (
            lambda env: (env.reset(), env.step({"agent_0": 0, "agent_1": 99, "agent_2": 0})),
            EnvError,
            r"actions\['agent_1'\] = 99 is no action",
        ),
        (
            lambda env: (env.reset(), env.step({"agent_0": 0, "agent_1": 0.5, "agent_2": 0})),
            ShapeContractError,
            r"actions\['agent_1'\] is a float",
        ),
        (
            lambda env: env.action_space("bob"),
            EnvError,
            "agent 'bob' is not in this game",
        ),
        (lambda env: (env.close(), env.state()), EnvError, "was closed"),
        (lambda env: (env.close(), env.step({})), EnvError, "was closed"),
    ],
)
def test_mistakes_are_named(use: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        use(make())
