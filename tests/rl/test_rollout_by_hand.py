"""Rollouts, advantages and memory on stories short enough to be computed by hand, numbers in the text.

Discount 1/2, lambda 1/2: ``delta = r + V'/2 - V`` and ``A = delta + A'/4``. The value of an observation is the
observation itself, and the LSTM is set to count: its cell is the number of steps seen since the episode began.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, cast

import gymnasium
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from metta.agent.components.heads import ActorHead
from metta.agent.components.lstm import LSTM
from metta.agent.module import MettaModule, TensorMap
from metta.agent.policies.inputs import assemble
from metta.agent.policy import Policy
from metta.agent.policy_config import MlpConfig
from metta.common.env_spec import EnvSpec
from metta.common.stopwatch import Stopwatch
from metta.common.vector_env import EpisodeRecord, StepBatch, VectorEnv
from metta.envs.gym_env import GymVecEnv
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.config.systems import PopulationConfig
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.advantage import fill_advantages
from metta.rl.experience import Experience
from metta.rl.rollout import collect
from metta.rl.signals import StopFlag
from metta.rl.trainer_config import TrainerConfig

TANH = {1: 0.76159, 2: 0.96403, 3: 0.99505, 4: 0.99933, 5: 0.99991, 6: 0.99999}
"""What a counting LSTM gives out after so many steps."""

Row = tuple[float, float, str]
"""What a batch tells of a row: the observation, the reward that came with it, and `first`, `term` or `trunc`."""


class Script:
    """Rows that play what is written, one a slot, whatever the actions."""

    def __init__(self, *stories: Sequence[Row]) -> None:
        self.spec = EnvSpec(
            name="script", obs_kind="box", obs_shape=(1,), obs_dtype="float32", action_names=("a", "b"), num_agents=1
        )
        self.num_envs = self.num_rows = self.num_slots = len(stories)
        self.stories, self.at = stories, [0] * len(stories)

    def recv(self, slot: int) -> StepBatch:
        value, reward, event = self.stories[slot][self.at[slot]]
        terminated, truncated, first = (np.array([event == name]) for name in ("term", "trunc", "first"))
        seen, earned = np.array([[value]], np.float32), np.array([reward], np.float32)
        return StepBatch(slot, slice(slot, slot + 1), seen, earned, terminated, truncated, first)

    def send(self, slot: int, actions: NDArray[np.int32]) -> None:
        self.at[slot] += 1

    def drain_episodes(self) -> list[EpisodeRecord]:
        return []

    def reset(self, seed: int) -> None: ...

    def snapshot(self) -> None: ...

    def restore(self, state: Mapping[str, NDArray[np.generic]]) -> None: ...

    def close(self) -> None: ...


class ObservationIsValue(MettaModule):
    """``values`` is the first number of the observation."""

    def __init__(self, spec: EnvSpec, constant: float | None) -> None:
        super().__init__(["env_obs"], ["values", "ones"], input_shapes={"env_obs": spec.obs_shape})
        self.depth, self.constant = len(spec.obs_shape), constant

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        value = cast(Tensor, td["env_obs"]).flatten(-self.depth)[..., 0].float()
        value = value if self.constant is None else torch.full_like(value, self.constant)
        return {"values": value, "ones": torch.ones_like(value)[..., None]}


def counting_policy(spec: EnvSpec, constant: float | None = None) -> Policy:
    """All gates of its LSTM are open and the candidate is 1, so each step adds 1 to the cell."""
    lstm = LSTM(1, 1, in_key="ones")
    for name, parameter in lstm.named_parameters():
        parameter.data.fill_(30.0 if "bias_ih" in name else 0.0)
    parts = {
        "seen": ObservationIsValue(spec, constant),
        "lstm": lstm,
        "actor": ActorHead(1, spec.num_actions, "core"),
    }
    policy = Policy(MlpConfig(), spec, assemble(spec, parts))
    policy.provide(["core"], "the test")
    return policy


def play(env: VectorEnv, policy: Policy, steps: int, horizon: int, rollouts: int = 1) -> Experience:
    """The last of ``rollouts``, with its advantages, as the trainer makes it."""
    size = env.num_rows * steps
    config = TrainerConfig().replace({"batch_size": size, "minibatch_size": size, "bptt_horizon": horizon})
    masked = env.recv(0).action_mask is not None
    experience = Experience(
        env.spec,
        config,
        env.num_rows,
        has_action_mask=masked,
        policy_spec=policy.experience_spec,
        memory_spec=policy.memory_spec,
        next_values=True,
    )
    policy.init_memory(env.num_rows)
    for _ in range(rollouts):
        tools: dict[str, Any] = {"stopwatch": Stopwatch(), "stop": StopFlag()}
        collect(env, policy, experience, generator=torch.Generator().manual_seed(0), **tools)
    fill_advantages(experience, gamma=0.5, gae_lambda=0.5)
    return experience


def told(experience: Experience, key: str, row: int = 0) -> list[float]:
    """``key`` of a row's steps that count."""
    return experience.timeline(key)[row][experience.timeline("valid")[row]].tolist()


def cells(experience: Experience) -> list[float]:
    """What was remembered before each segment: steps seen since the episode began."""
    return torch.as_tensor(experience.buffer["memory/lstm_c"]).flatten().tolist()


def given_out(policy: Policy, experience: Experience, row: int = 0) -> list[float]:
    """What the LSTM says when the update looks at the recorded segments, along a row."""
    core = policy.evaluate(experience.buffer)["core"].detach()
    return core.reshape(experience.num_rows, -1)[row].tolist()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def test_the_last_step_of_each_segment_bootstraps() -> None:
    """Four steps in two segments within one episode; the observation after them is worth 5::

    V      1         2        |  3          4        | (5)
    r      1         1        |  1          1
    delta  1+1-1=1   1+1.5-2  |  1+2-3=0    1+2.5-4
    A      1+.25*A1  .5+.25*A2|  0+.25*A3  -.5
    """
    env = Script([(1, 0, "first"), (2, 1, ""), (3, 1, ""), (4, 1, ""), (5, 1, "")])
    experience = play(env, counting_policy(env.spec), steps=4, horizon=2)
    assert experience.bootstrap.tolist() == [5]
    assert told(experience, "next_values") == [2, 3, 4, 5]
    assert told(experience, "advantages") == [1.1171875, 0.46875, -0.125, -0.5]
    assert told(experience, "returns") == [2.1171875, 2.46875, 2.875, 3.5]
    assert experience.buffer["advantages"].tolist() == [[1.1171875, 0.46875], [-0.125, -0.5]], "by segment"


@pytest.mark.parametrize(
    ("end", "next_values", "advantages"),
    [
        # delta_1 = 2 + 8/2 - 2 = 4, A_0 = (1 + 2/2 - 1) + 4/4; after it V = 3: 1 + 4/2 - 3 = 0
        ("trunc", [2, 8, 4], [2.0, 4.0, 0.0]),
        # delta_1 = 2 + 0 - 2 = 0, A_0 = 1 + 0/4
        ("term", [2, 0, 4], [1.0, 0.0, 0.0]),
    ],
)
def test_truncation_bootstraps_from_the_final_observation_and_termination_cuts(
    end: str, next_values: list[float], advantages: list[float]
) -> None:
    """The second step's action ends the episode; the final observation is worth 8, its action does not count::

    V      1        2     |  8 (final)   3 (new episode)  | (4)
    r      1        2 end |              1
    """
    env = Script([(1, 0, "first"), (2, 1, ""), (8, 2, end), (3, 0, "first"), (4, 1, "")])
    experience = play(env, counting_policy(env.spec), steps=4, horizon=2)
    assert experience.timeline("valid")[0].tolist() == [True, True, False, True]
    assert told(experience, "next_values") == next_values
    assert told(experience, "advantages") == advantages


def test_an_episode_that_ends_with_the_rollout() -> None:
    """The last action's outcome comes with what the next rollout sees first: V = 4, r = 1, final observation 8.

    Cut by time: ``1 + 8/2 - 4 = 1``; terminated: ``1 - 4 = -3``. A_0 = (1 + 4/2 - 1) + A_1/4 = 2 + A_1/4.
    The next rollout begins with the final observation, which does not count, and the next episode, V = 3 and 1::

        V      8 (final)   3    1   6  | (2)        r    -   1   2   0
        A      -           1 + 1/2 - 3 + A/4,   2 + 6/2 - 1 + A/4,   0 + 2/2 - 6
    """
    stories = [
        [(1, 0, "first"), (4, 1, ""), (8, 1, end), (3, 0, "first"), (1, 1, ""), (6, 2, ""), (2, 0, "")]
        for end in ("trunc", "term")
    ]
    env = Script(*stories)
    experience = play(env, counting_policy(env.spec), steps=2, horizon=2)
    assert told(experience, "advantages", 0) == [2.25, 1.0]
    assert told(experience, "advantages", 1) == [1.25, -3.0]

    env = Script(*stories)
    following = play(env, counting_policy(env.spec), steps=2, horizon=2, rollouts=2)
    for row in range(2):
        assert following.timeline("first")[row].tolist() == [False, True]
        assert told(following, "advantages", row) == [-1.5], "1 + 1/2 - 3, bootstrapped from V = 1"


def test_the_hidden_state_resets_exactly_where_an_episode_begins() -> None:
    """Row 0 goes on, row 1 ends with its second step. The final observation still belongs to the old episode::

    row 1, steps seen   1  2 | 3 (final)  1 (first) | 2  3
    memory before             2                       1          at the segments' starts
    """
    going_on = [(1.0, 0.0, "first")] + [(1.0, 0.0, "")] * 6
    ending = [(1.0, 0.0, "first"), (1.0, 0.0, ""), (8.0, 0.0, "trunc"), (3.0, 0.0, "first")] + [(1.0, 0.0, "")] * 3
    env = Script(going_on, ending)
    policy = counting_policy(env.spec)
    experience = play(env, policy, steps=6, horizon=2)
    assert cells(experience) == pytest.approx([0, 2, 4, 0, 2, 1])
    assert policy.memory["lstm_c"].flatten().tolist() == pytest.approx([6, 3]), "values_only leaves the memory alone"

    assert given_out(policy, experience, 0) == pytest.approx([TANH[n] for n in (1, 2, 3, 4, 5, 6)], abs=1e-4)
    assert given_out(policy, experience, 1) == pytest.approx([TANH[n] for n in (1, 2, 3, 1, 2, 3)], abs=1e-4)


@pytest.mark.parametrize("terminates", [False, True])
def test_the_engine_tells_the_same_story(*, terminates: bool) -> None:
    """Episodes of three steps without reward; every observation is worth 8. Cut by time: delta is 8/2 - 8 = -4.

    ========= ==================== ============== ====
    step      0                    1              2
    cut       -4 - 5/4             -4 - 4/4       -4
    ends      -4 - 6/4             -4 - 8/4       -8
    ========= ==================== ============== ====
    """
    game = make_arena(1).replace({"game.agent.rewards.inventory": {}})
    leaves = {"game.systems.population": PopulationConfig(initial_agents=1, stay=3)}
    game = game.replace(leaves if terminates else {"game.max_steps": 3})
    env = make_vec_env(VecEnvConfig(env=game, num_envs=2, num_slots=2, num_threads=1, desync_episodes=False), seed=1)
    policy = counting_policy(env.spec, constant=8.0)
    experience = play(env, policy, steps=6, horizon=2)
    env.close()
    expected = [-5.5, -6.0, -8.0] if terminates else [-5.25, -5.0, -4.0]
    for row in range(2):
        # t = 3 is the final observation; the rollout ends with the second step of the next episode.
        assert experience.timeline("valid")[row].tolist() == [True, True, True, False, True, True]
        assert told(experience, "advantages", row) == [*expected, -5.0, -4.0]
        assert cells(experience)[3 * row : 3 * row + 3] == pytest.approx([0, 2, 4]), (
            "the final observation is the fourth that the old episode showed"
        )
    assert given_out(policy, experience) == pytest.approx([TANH[n] for n in (1, 2, 3, 4, 1, 2)], abs=1e-4)


class Count(gymnasium.Env[Any, Any]):
    """The observation counts the steps: 1, 2, 3 ... Each step earns 1."""

    observation_space = gymnasium.spaces.Box(0, 99, (1,), np.float32)
    action_space = gymnasium.spaces.Discrete(2)

    def __init__(self, terminate_at: int = 99) -> None:
        self.terminate_at = terminate_at

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.count = 1
        return np.array([1], np.float32), {}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.count += 1
        return np.array([self.count], np.float32), 1.0, self.count == self.terminate_at, False, {}


def make_count(**kwargs: Any) -> Count:
    return Count(**kwargs)


@pytest.mark.parametrize(
    ("kwargs", "advantages"),
    [
        # V 1, 2 and 3 of the final observation: 1 + 3/2 - 2 = 0.5; 1 + 2/2 - 1 + 0.5/4
        ({"max_episode_steps": 2}, [1.125, 0.5]),
        # 1 - 2 = -1; 1 + 2/2 - 1 - 1/4
        ({"terminate_at": 3}, [0.75, -1.0]),
    ],
)
def test_a_foreign_environment_tells_the_same_story(kwargs: dict[str, int], advantages: list[float]) -> None:
    gymnasium.register("test/Count-v0", make_count)
    try:
        env = GymVecEnv(GymEnvConfig(env_id="test/Count-v0", num_envs=1, kwargs={**kwargs}), seed=0)
    finally:
        del gymnasium.registry["test/Count-v0"]
    policy = counting_policy(env.spec)
    experience = play(env, policy, steps=6, horizon=3)
    env.close()
    assert experience.timeline("env_obs")[0, :, 0].tolist() == [1, 2, 3, 1, 2, 3]
    assert told(experience, "advantages") == advantages * 2
    assert cells(experience) == pytest.approx([0, 3])
    assert given_out(policy, experience) == pytest.approx([TANH[n] for n in (1, 2, 3, 1, 2, 3)], abs=1e-4)
