"""Simulations play whole episodes, the same ones for the same seed."""

from __future__ import annotations

import numpy as np
import pytest

from metta.agent.policies.mock import build_mock_policy
from metta.agent.policy import ActingPolicy, build_policy
from metta.agent.policy_config import BagConfig, BagLstmConfig, MlpConfig
from metta.common.env_spec import EnvSpec
from metta.common.errors import EnvError
from metta.common.vector_env import EpisodeRecord
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.builder.envs import make_arena
from metta.sim import simulation_config
from metta.sim.simulation import run_simulation
from metta.sim.simulation_config import SimulationConfig

SMALL = make_arena(4).replace({"game.max_steps": 30})


def small(num_episodes: int = 4, **values: object) -> SimulationConfig:
    return SimulationConfig.model_validate(
        {"suite": "arena", "name": "small", "env": SMALL, "num_episodes": num_episodes, **values}
    )


def random_policy(spec: EnvSpec) -> ActingPolicy:
    return build_mock_policy("random", spec)


def noop_policy(spec: EnvSpec) -> ActingPolicy:
    return build_mock_policy("noop", spec)


def facts(records: list[EpisodeRecord]) -> list[tuple[object, ...]]:
    """Everything about the episodes, comparable."""
    found: list[tuple[object, ...]] = []
    for r in records:
        stats = [(name, values.tolist()) for name, values in sorted(r.agent_stats.items())]
        found.append((r.env, r.episode, r.length, r.terminated, r.truncated, r.rewards.tolist(), stats))
    return found


@pytest.mark.parametrize("episodes", [1, 5])
def test_it_plays_the_episodes_that_were_asked_for(episodes: int) -> None:
    records = run_simulation(small(episodes), random_policy, seed=0)
    assert [(r.episode, r.env) for r in records] == [(0, env) for env in range(episodes)]
    assert {r.length for r in records} == {30}
    assert all(r.truncated and not r.terminated and not r.partial for r in records)
    assert all(r.rewards.shape == (4,) for r in records)


def test_more_episodes_than_environments_are_shared_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(simulation_config, "MAX_BATCH", 3)
    records = run_simulation(small(7), random_policy, seed=0)
    assert [(r.episode, r.env) for r in records] == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2), (2, 0)]


def test_the_seed_decides_everything() -> None:
    first = run_simulation(small(), random_policy, seed=3)
    assert facts(run_simulation(small(), random_policy, seed=3)) == facts(first)
    assert facts(run_simulation(small(), random_policy, seed=4)) != facts(first)


def test_threads_change_nothing() -> None:
    one = run_simulation(small(num_threads=1), random_policy, seed=3)
    assert facts(run_simulation(small(num_threads=3), random_policy, seed=3)) == facts(one)


def test_without_sampling_an_episode_is_the_same_in_any_batch() -> None:
    alone = run_simulation(small(1), noop_policy, seed=3)
    assert facts(run_simulation(small(5), noop_policy, seed=3))[:1] == facts(alone)


@pytest.mark.parametrize(
    "config", [BagConfig(bag_width=16, hidden_sizes=(16,)), BagLstmConfig(bag_width=16, lstm_size=8)]
)
def test_trained_policies_act_and_repeat(config: BagConfig | BagLstmConfig) -> None:
    def policy(spec: EnvSpec) -> ActingPolicy:
        return build_policy(config, spec, seed=0)

    sampled = facts(run_simulation(small(), policy, seed=0))
    assert facts(run_simulation(small(), policy, seed=0)) == sampled
    assert facts(run_simulation(small(), policy, seed=0, greedy=True)) != sampled


def test_noop_earns_nothing_and_statistics_say_so() -> None:
    for record in run_simulation(small(), noop_policy, seed=0):
        assert not record.rewards.any()
        assert not record.agent_stats["heart.gained"].any()
        assert np.array_equal(record.agent_stats["action.noop.success"], np.full(4, 30.0))


def test_short_episodes_are_not_preferred() -> None:
    """CartPole under random actions: one episode an environment, however early it fell over."""
    simulation = SimulationConfig(suite="gym", name="CartPole-v1", env=GymEnvConfig(), num_episodes=20)
    records = run_simulation(simulation, random_policy, seed=0)
    assert sorted(r.env for r in records) == list(range(20))
    assert {r.episode for r in records} == {0}
    assert len({r.length for r in records}) > 5
    assert all(r.rewards[0] == r.length for r in records)


def test_boxes_and_an_mlp_work_too() -> None:
    simulation = SimulationConfig(suite="gym", name="CartPole-v1", env=GymEnvConfig(), num_episodes=2)
    records = run_simulation(simulation, lambda spec: build_policy(MlpConfig(), spec, seed=0), seed=0, greedy=True)
    assert len(records) == 2


def test_too_slow_is_an_error_and_no_biased_sample() -> None:
    with pytest.raises(EnvError, match=r"arena/small: 0 of 4 episodes.*max_time_s=1e-09.*biased"):
        run_simulation(small(max_time_s=1e-9), random_policy, seed=0)


def test_progress_rises_to_one() -> None:
    seen: list[float] = []
    run_simulation(small(), random_policy, seed=0, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0
