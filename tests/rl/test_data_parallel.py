"""metta/rl/data_parallel.py: gradients, metrics, episodes and statistics as means over ranks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from tensordict import TensorDict

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.env_spec import EnvSpec
from metta.common.vector_env import EpisodeRecord
from metta.rl.context import RolloutStats
from metta.rl.data_parallel import AveragedObjective, first_told, share_metrics, share_rollout
from metta.rl.distributed import Ranks
from metta.rl.episode_metrics import summarize_episodes
from metta.rl.loss.base import build_losses
from metta.rl.objective import Objective
from metta.rl.trainer_config import TrainerConfig
from metta.rl.world import SOLO
from tests.rl.ranks import run_ranks


def make_objective(spec: EnvSpec) -> Objective:
    policy = build_policy(MlpConfig(hidden_sizes=(8,)), spec, seed=1)
    config = TrainerConfig().replace({"normalize_advantages": False})
    return Objective(policy, build_losses(config.losses), config)


def minibatch(rank: int) -> TensorDict:
    generator = torch.Generator().manual_seed(rank)
    numbers = {key: torch.randn(3, 4, generator=generator) for key in ("advantages", "returns", "values")}
    fields: dict[str, Any] = {
        **numbers,
        "env_obs": torch.randn(3, 4, 2, generator=generator),
        "action": torch.randint(3, (3, 4), generator=generator),
        "act_log_prob": torch.full((3, 4), -1.0),
        "valid": torch.ones(3, 4, dtype=torch.bool),
        "first": torch.zeros(3, 4, dtype=torch.bool),
    }
    return TensorDict(fields, batch_size=[3])


def gradients(averaged: AveragedObjective, batch: TensorDict) -> dict[str, list[float] | None]:
    averaged.objective.zero_grad()
    total, _ = averaged(batch)
    total.backward()
    named = averaged.objective.policy.named_parameters()
    return {name: None if weight.grad is None else weight.grad.flatten().tolist() for name, weight in named}


def test_gradients_are_means_over_ranks_also_when_what_learns_changes(corridor: Callable[..., Any]) -> None:
    spec = corridor(4).spec

    def freeze(objective: Objective, frozen: bool) -> None:
        next(objective.policy.network.parameters()).requires_grad_(not frozen)

    def work(world: Ranks) -> Any:
        averaged = AveragedObjective(make_objective(spec), world)
        found = []
        for frozen in (True, False, True):  # a component that learns later must be averaged, too
            freeze(averaged.objective, frozen)
            found.append(gradients(averaged, minibatch(world.rank)))
        return found

    first, second = run_ranks(work)
    assert first == second
    alone = AveragedObjective(make_objective(spec), SOLO)
    for frozen, found in zip((True, False, True), first, strict=True):
        freeze(alone.objective, frozen)
        zero, one = gradients(alone, minibatch(0)), gradients(alone, minibatch(1))
        assert found.keys() == zero.keys()
        for name, gradient in found.items():
            if zero[name] is None:
                assert gradient is None
            else:
                mean = (torch.tensor(zero[name]) + torch.tensor(one[name])) / 2
                torch.testing.assert_close(torch.tensor(gradient), mean)


def test_episodes_of_all_ranks_count_alike() -> None:
    def record(length: int, reward: float) -> EpisodeRecord:
        stats = {"hearts": np.array([reward, 0.0])}
        return EpisodeRecord(
            0, 0, length, np.array([reward, 0.0], np.float32), False, True, agent_stats=stats, game_stats={"tiles": 1.0}
        )

    of_rank = ([record(4, 1.0), record(8, 2.0), record(6, 6.0)], [record(10, 8.0)])

    def work(world: Ranks) -> Any:
        mine = summarize_episodes(of_rank[world.rank], agent_steps=100)
        shared = share_rollout(world, mine)
        return dict(shared.episodes), shared.num_episodes, shared.agent_steps, len(shared.records)

    first, second = run_ranks(work)
    assert first[:3] == second[:3]
    whole = summarize_episodes([*of_rank[0], *of_rank[1]], agent_steps=200)
    assert first[0] == pytest.approx(whole.episodes)
    assert first[1:] == (4, 200, 3)


def test_metrics_over_experience_are_weighted_with_valid_steps() -> None:
    rows = (
        {"losses/total": 1.0, "experience/rewards": 1.0, "experience/valid": 0.25},
        {"losses/total": 2.0, "experience/rewards": 5.0, "experience/valid": 0.75},
    )
    first, second = run_ranks(lambda world: share_metrics(world, dict(rows[world.rank])))
    assert first == second == {"losses/total": 1.5, "experience/rewards": 4.0, "experience/valid": 0.5}


def test_the_rank_with_the_bad_data_is_named() -> None:
    told = ("losses/total", "3 of 9 numbers in the rollout's 'rewards'")
    first, second = run_ranks(lambda world: first_told(world, told[world.rank]))
    assert first == second == "3 of 9 numbers in the rollout's 'rewards' (rank 1)"


def test_alone_nothing_is_shared() -> None:
    stats = RolloutStats(episodes={}, num_episodes=0, agent_steps=4)
    assert share_rollout(SOLO, stats) is stats
    metrics = {"a": 1.0}
    assert share_metrics(SOLO, metrics) is metrics
