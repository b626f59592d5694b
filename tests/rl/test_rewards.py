"""Rewards against loops: centering, scaling, clipping, what is left alone, and what goes on after a resume."""

from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.rl.experience import Experience
from metta.rl.rewards import RewardShaping
from metta.rl.rewards_config import RewardsConfig
from metta.rl.trainer_config import TrainerConfig

ROWS, STEPS = 4, 16


@pytest.fixture
def filled(corridor: Callable[..., Any], small: TrainerConfig) -> Callable[[int], Experience]:
    """Made-up rewards with ends and ignored steps."""

    def make(seed: int) -> Experience:
        noise = torch.Generator().manual_seed(seed)
        made = Experience(corridor(4).spec, small, ROWS)
        made.timeline("rewards").copy_(torch.randn(ROWS, STEPS, generator=noise) + 0.5)
        made.timeline("terminated").copy_(torch.rand(ROWS, STEPS, generator=noise) < 0.1)
        made.timeline("truncated").copy_(torch.rand(ROWS, STEPS, generator=noise) < 0.1)
        made.timeline("valid").copy_(torch.rand(ROWS, STEPS, generator=noise) < 0.9)
        return made

    return make


def shaping(gamma: float = 0.9, **changes: Any) -> RewardShaping:
    return RewardShaping(RewardsConfig().replace(changes), ROWS, gamma)


def test_off_by_default(filled: Callable[[int], Experience]) -> None:
    experience, rules = filled(0), shaping()
    before = experience.timeline("rewards").clone()
    assert rules.apply(experience) == {}
    assert rules.state() == {}
    assert torch.equal(experience.timeline("rewards"), before)


def test_centering_is_the_running_average_written_out(filled: Callable[[int], Experience]) -> None:
    rules = shaping(**{"centering.enabled": True, "centering.rate": 0.05})
    average = weight = 0.0
    for seed in range(3):
        experience = filled(seed)
        raw, valid = experience.timeline("rewards").clone(), experience.timeline("valid")
        told = rules.apply(experience)
        for step in range(STEPS):
            seen = raw[:, step][valid[:, step]].double()
            if len(seen):
                average += 0.05 * (seen.mean().item() - average)
                weight += 0.05 * (1 - weight)
        expected = torch.where(valid, raw - average / weight, raw)
        torch.testing.assert_close(experience.timeline("rewards"), expected, rtol=1e-5, atol=1e-6)
        assert told["experience/reward_average"] == pytest.approx(average / weight)
        assert told["experience/rewards"] == pytest.approx(raw[valid].mean().item(), rel=1e-5)


def test_a_constant_reward_is_centred_to_0_from_the_start(filled: Callable[[int], Experience]) -> None:
    experience = filled(0)
    experience.timeline("rewards").fill_(3.0)
    shaping(**{"centering.enabled": True}).apply(experience)
    assert experience.timeline("rewards")[experience.timeline("valid")].abs().max() < 1e-6


def test_normalization_divides_by_the_deviation_of_all_returns_so_far(filled: Callable[[int], Experience]) -> None:
    rules, returns, seen = shaping(**{"normalization.enabled": True}), [0.0] * ROWS, []
    for seed in range(3):
        experience = filled(seed)
        raw, valid = experience.timeline("rewards").clone(), experience.timeline("valid")
        ended = experience.timeline("terminated") | experience.timeline("truncated")
        told = rules.apply(experience)
        for step in range(STEPS):
            for row in range(ROWS):
                returns[row] *= 0.9
                if valid[row, step]:
                    returns[row] += raw[row, step].item()
                    seen.append(returns[row])
                if ended[row, step]:
                    returns[row] = 0.0
        scale = statistics.pstdev(seen)
        assert told["experience/reward_scale"] == pytest.approx(scale, rel=1e-6)
        expected = torch.where(valid, raw / scale, raw)
        torch.testing.assert_close(experience.timeline("rewards"), expected, rtol=1e-5, atol=1e-6)


def test_without_any_reward_nothing_is_divided(filled: Callable[[int], Experience]) -> None:
    experience = filled(0)
    experience.timeline("rewards").zero_()
    assert shaping(**{"normalization.enabled": True}).apply(experience)["experience/reward_scale"] == 1.0
    assert not experience.timeline("rewards").any()


def test_clip_comes_last(filled: Callable[[int], Experience]) -> None:
    experience = filled(1)
    valid, raw = experience.timeline("valid"), experience.timeline("rewards").clone()
    told = shaping(clip=0.25).apply(experience)
    rewards = experience.timeline("rewards")
    assert rewards[valid].abs().max() == 0.25
    assert torch.equal(rewards[~valid], raw[~valid])
    assert told["experience/shaped_rewards"] == pytest.approx(rewards[valid].mean().item(), rel=1e-5)


EVERYTHING = {"centering.enabled": True, "normalization.enabled": True, "clip": 2.0}


def test_a_restored_state_goes_on_alike(filled: Callable[[int], Experience]) -> None:
    whole, again = shaping(**EVERYTHING), shaping(**EVERYTHING)
    whole.apply(filled(0))
    again.load_state({name: tensor.clone() for name, tensor in whole.state().items()})
    one, two = filled(1), filled(1)
    assert whole.apply(one) == again.apply(two)
    assert torch.equal(one.timeline("rewards"), two.timeline("rewards"))


def test_two_ranks_share_their_statistics(filled: Callable[[int], Experience]) -> None:
    """With a sum over two equal ranks every average stays what one of them sees."""
    alone, twice = shaping(**EVERYTHING), shaping(**EVERYTHING)
    twice.reduce = lambda tensor: 2 * tensor
    for seed in range(2):
        one, two = filled(seed), filled(seed)
        told, same = alone.apply(one), twice.apply(two)
        assert told == pytest.approx(same)
        torch.testing.assert_close(one.timeline("rewards"), two.timeline("rewards"))
    assert twice.state()["moments"][0] == 2 * alone.state()["moments"][0]
