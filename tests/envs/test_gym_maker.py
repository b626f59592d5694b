"""Which Gymnasium environments we take, and what is said about the others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gymnasium
import numpy as np
import pytest
from gymnasium import spaces

from metta.common.errors import ConfigError
from metta.envs.gym_maker import gym_spec, make_gymnasium, make_puffer_env


class Counting(gymnasium.Env[Any, Any]):
    """Shows its step count and the last action; actions are 3, 4, 5."""

    observation_space = spaces.Dict({"count": spaces.Discrete(10), "last": spaces.Box(0, 9, (2, 2), np.float64)})
    action_space = spaces.Discrete(3, start=3)

    def __init__(self, **_: Any) -> None:
        self.steps = 0

    def reset(self, *, seed: int | None = None, options: object = None) -> tuple[dict[str, object], dict[str, object]]:
        super().reset(seed=seed)
        self.steps = 0
        return {"count": 0, "last": np.zeros((2, 2))}, {}

    def step(self, action: int) -> tuple[dict[str, object], float, bool, bool, dict[str, object]]:
        self.steps += 1
        return {"count": self.steps, "last": np.full((2, 2), float(action))}, 1.0, False, self.steps >= 5, {"big": 1}


@pytest.fixture
def counting_id() -> Iterator[str]:
    gymnasium.register("MettaTest/Counting-v0", entry_point=Counting)
    yield "MettaTest/Counting-v0"
    del gymnasium.registry["MettaTest/Counting-v0"]


def test_cartpole_spec() -> None:
    spec = gym_spec("CartPole-v1", {})
    assert (spec.obs_kind, spec.obs_shape, spec.obs_dtype) == ("box", (4,), "float32")
    assert spec.action_names == ("action_0", "action_1")
    assert spec.num_agents == 1


def test_any_observation_is_flattened_and_actions_start_at_0(counting_id: str) -> None:
    """Discrete(10) becomes 10 numbers, the 2x2 box 4; action 2 is the environment's action 5."""
    assert gym_spec(counting_id, {}).obs_shape == (14,)
    env = make_puffer_env(counting_id, {}, index=0, seed_offset=0)
    observation, _ = env.reset(seed=1)
    assert observation.dtype == np.float32
    observation, reward, terminated, truncated, info = env.step(np.array([2], np.int32))
    assert observation[0].tolist() == [0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 5, 5, 5, 5]
    assert (reward, terminated, truncated, info) == (1.0, False, False, {})


def test_unknown_id_names_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"'CartPol-v1' is not in Gymnasium's registry\. Did you mean .*CartPole-v1"):
        gym_spec("CartPol-v1", {})


def test_continuous_actions_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"has actions Box\(.*expected one Discrete choice"):
        gym_spec("Pendulum-v1", {})


def test_wrong_arguments_name_the_key() -> None:
    with pytest.raises(ConfigError, match=r"training_env\.kwargs=\{'gravitation': 3\}"):
        make_gymnasium("CartPole-v1", {"gravitation": 3})
