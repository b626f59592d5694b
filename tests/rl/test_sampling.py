"""Prioritised minibatches: chances, weights, and that their mean is the batch's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.rl.experience import Experience
from metta.rl.sampling import WEIGHTS, beta_at, draw_minibatches, importance_weights, probabilities
from metta.rl.sampling_config import SamplingConfig
from metta.rl.trainer_config import TrainerConfig

PRIORITIZED = SamplingConfig(method="prioritized", prio_alpha=0.7, prio_beta0=0.5)


@pytest.fixture
def experience(corridor: Callable[..., Any], small: TrainerConfig) -> Experience:
    """Eight segments of eight steps; minibatches of two."""
    made = Experience(corridor(4).spec, small, 4)
    noise = torch.Generator().manual_seed(3)
    made.buffer["advantages"].copy_(torch.randn(8, 8, generator=noise))
    made.buffer["valid"].copy_(torch.rand(8, 8, generator=noise) < 0.8)
    made.buffer["returns"].copy_(torch.arange(8.0)[:, None].expand(8, 8))
    return made


def test_chances_by_hand(experience: Experience) -> None:
    advantages, valid = experience.buffer["advantages"], experience.buffer["valid"]
    shares = []
    for segment in range(8):
        sizes = [abs(a) for a, v in zip(advantages[segment].tolist(), valid[segment].tolist(), strict=True) if v]
        shares.append((sum(sizes) / len(sizes)) ** 0.7)
    expected = torch.tensor([share / sum(shares) for share in shares])
    torch.testing.assert_close(probabilities(advantages, valid, 0.7), expected, rtol=1e-4, atol=1e-6)


def test_alpha_0_is_uniform_and_segments_without_advantage_stay_possible() -> None:
    advantages, valid = torch.tensor([[1.0, 3.0], [0.0, 0.0]]), torch.ones(2, 2, dtype=torch.bool)
    assert probabilities(advantages, valid, 0.0).tolist() == [0.5, 0.5]
    assert 0 < probabilities(advantages, valid, 1.0)[1] < 1e-5


def test_with_beta_1_the_mean_over_draws_is_the_mean_over_segments() -> None:
    chances, values = torch.tensor([0.5, 0.3, 0.2]), torch.tensor([1.0, -2.0, 7.0])
    weighted = (chances * importance_weights(chances, 1.0) * values).sum()
    assert weighted.item() == pytest.approx(values.mean().item())
    assert importance_weights(chances, 0.0).tolist() == [1.0, 1.0, 1.0]


def test_beta_rises_to_1() -> None:
    assert [beta_at(PRIORITIZED, progress) for progress in (0.0, 0.5, 1.0, 1.3)] == [0.5, 0.75, 1.0, 1.0]


def test_segments_come_as_often_as_their_chances_say(experience: Experience) -> None:
    generator = torch.Generator().manual_seed(0)
    counts, passes = torch.zeros(8, dtype=torch.int64), 500
    for _ in range(passes):
        for minibatch in draw_minibatches(experience, PRIORITIZED, 0.0, generator):
            assert minibatch.batch_size == torch.Size([2])
            counts += minibatch["returns"][:, 0].long().bincount(minlength=8)
    chances = probabilities(experience.buffer["advantages"], experience.buffer["valid"], 0.7)
    torch.testing.assert_close(counts / counts.sum(), chances, rtol=0, atol=0.02)


def test_weights_belong_to_their_segments(experience: Experience) -> None:
    chances = probabilities(experience.buffer["advantages"], experience.buffer["valid"], 0.7)
    for minibatch in draw_minibatches(experience, PRIORITIZED, 1.0, torch.Generator().manual_seed(0)):
        torch.testing.assert_close(minibatch[WEIGHTS], 1 / (8 * chances[minibatch["returns"][:, 0].long()]))


def test_sequential_is_the_experience_s_own_order(experience: Experience) -> None:
    one, two = torch.Generator().manual_seed(5), torch.Generator().manual_seed(5)
    drawn = [batch.clone() for batch in draw_minibatches(experience, SamplingConfig(), 0.5, one)]
    own = [batch.clone() for batch in experience.minibatches(two)]
    assert all((left == right).all() for left, right in zip(drawn, own, strict=True))
    assert WEIGHTS not in drawn[0].keys()  # noqa: SIM118 - a TensorDict iterates over its batch
