"""Slowly changing states against plain loops."""

from __future__ import annotations

import pytest
import torch

from metta.rl.loss.base import LossSetting
from metta.rl.loss.stable_latent import StableLatentLoss
from metta.rl.loss.stable_latent_config import StableLatentConfig
from tests.rl.loss.samples import MakeTrainer, check_training, grad_of, later_steps, random_batch


def test_loss_and_gradient_are_those_of_neighbours_in_an_episode(setting: LossSetting) -> None:
    loss = StableLatentLoss(StableLatentConfig(), setting)
    assert loss.policy_reads == ("core",)
    batch, output = random_batch()
    pairs = [(s, t) for s in range(3) for t in range(6) if later_steps(batch, s, t)]
    core = output["core"].detach()
    wanted = torch.zeros_like(core)
    total = 0.0
    for s, t in pairs:
        change = core[s, t + 1] - core[s, t]
        total += float(change.square().sum())
        wanted[s, t] -= 2 * change / len(pairs)
        wanted[s, t + 1] += 2 * change / len(pairs)
    result = loss(batch, output)
    assert result.loss.item() == pytest.approx(total / len(pairs), rel=1e-5)
    result.loss.backward()
    torch.testing.assert_close(grad_of(output["core"]), wanted)
    assert output["values"].grad is None


def test_it_calms_the_state_and_resumes_to_the_same_bytes(make_trainer: MakeTrainer) -> None:
    calm = check_training(make_trainer, {"stable_latent": {"weight": 10.0}})
    free = check_training(make_trainer, {"stable_latent": {"weight": 0.0}})
    assert calm[-1]["losses/latent_change"] < free[-1]["losses/latent_change"]
