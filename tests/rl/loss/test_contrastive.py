"""InfoNCE against plain Python; which pairs are drawn; what is trained; exact resumption of the draws."""

from __future__ import annotations

import math
from collections import Counter

import pytest
import torch

from metta.rl.loss.base import LossSetting
from metta.rl.loss.contrastive import ContrastiveLoss
from metta.rl.loss.contrastive_config import ContrastiveConfig
from metta.rl.loss.segments import steps_ahead
from tests.rl.loss.samples import MakeTrainer, check_training, grad_of, later_steps, random_batch


def test_loss_equals_the_formula_pair_by_pair(setting: LossSetting) -> None:
    cfg = ContrastiveConfig(num_pairs=9, projection_size=3, temperature=0.4)
    loss = ContrastiveLoss(cfg, setting)
    batch, output = random_batch()
    state = loss.generator.get_state()
    chosen = loss.draw(steps_ahead(batch))
    assert chosen is not None
    loss.generator.set_state(state)
    starts, laters = (index.tolist() for index in chosen)
    assert len(set(laters)) < len(laters), "the test needs a later state that two pairs share"
    vectors = loss.project(output["core"].flatten(0, 1)).detach()
    queries, keys = loss.predict(vectors).detach(), vectors
    total = 0.0
    for i in range(9):
        scores = []
        for j in range(9):
            if j != i and laters[j] == laters[i]:
                continue
            a, b = queries[starts[i]].tolist(), keys[laters[j]].tolist()
            dot = sum(x * y for x, y in zip(a, b, strict=True))
            scores.append((j, dot / math.hypot(*a) / math.hypot(*b) / 0.4))
        total += math.log(sum(math.exp(score) for _, score in scores)) - dict(scores)[i]
    assert loss(batch, output).loss.item() == pytest.approx(total / 9, rel=1e-4)


def test_pairs_lie_in_one_episode_and_k_is_geometric(setting: LossSetting) -> None:
    loss = ContrastiveLoss(ContrastiveConfig(num_pairs=20_000, discount=0.5), setting)
    batch, _ = random_batch(1, segments=4, horizon=8)
    chosen = loss.draw(steps_ahead(batch))
    assert chosen is not None
    room = {s * 8 + t: later_steps(batch, s, t) for s in range(4) for t in range(8)}
    pairs = list(zip(*(index.tolist() for index in chosen), strict=True))
    assert all(1 <= later - start <= room[start] for start, later in pairs)
    assert {start for start, _ in pairs} == {start for start, most in room.items() if most}
    drawn = Counter((room[start], later - start) for start, later in pairs)
    most = max(room.values())
    assert most > 2
    total = sum(count for (at_most, _), count in drawn.items() if at_most == most)
    for k in range(1, most + 1):
        expected = 0.5**k / (1 - 0.5**most)
        assert drawn[most, k] / total == pytest.approx(expected, abs=0.03)


def test_gradient_reaches_the_state_and_its_own_layers(setting: LossSetting) -> None:
    loss = ContrastiveLoss(ContrastiveConfig(num_pairs=64), setting)
    batch, output = random_batch()
    loss(batch, output).loss.backward()
    assert all(parameter.grad is not None and bool(parameter.grad.any()) for parameter in loss.parameters())
    touched = grad_of(output["core"]).abs().sum(-1) > 0
    finals = torch.zeros_like(touched)
    finals[:, 1:] = (batch["terminated"] | batch["truncated"])[:, :-1]
    assert not bool(touched[~batch["valid"] & ~finals].any())
    assert bool(touched.any())
    assert all(output[key].grad is None for key in ("values", "act_log_prob", "entropy"))


def test_without_any_pair_nothing_is_learned(setting: LossSetting) -> None:
    loss = ContrastiveLoss(ContrastiveConfig(), setting)
    batch, output = random_batch()
    batch["valid"][:] = False
    result = loss(batch, output)
    result.loss.backward()
    assert result.loss.item() == 0
    assert not bool(grad_of(output["core"]).any())
    assert all(parameter.grad is not None for parameter in loss.parameters()), "data-parallel training waits for all"


def test_it_learns_to_tell_states_apart_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    metrics = check_training(make_trainer, {"contrastive": {"weight": 1.0, "num_pairs": 64}})
    assert metrics[-1]["losses/contrastive_loss"] < metrics[0]["losses/contrastive_loss"]
