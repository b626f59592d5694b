"""The way to the device and back: equal data whichever way, and no buffer that is written too early."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.common.stopwatch import Stopwatch
from metta.rl.experience import Experience
from metta.rl.rollout import collect
from metta.rl.signals import StopFlag
from metta.rl.staging import PinnedStaging, Staging, make_staging
from metta.rl.trainer_config import TrainerConfig

CPU = torch.device("cpu")


class PretendPinned:
    """Ordinary memory, counted."""

    def __init__(self) -> None:
        self.made: list[torch.Size] = []

    def __call__(self, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        self.made.append(shape)
        return torch.empty(shape, dtype=dtype)


def test_the_cpu_needs_no_staging() -> None:
    assert type(make_staging(CPU)) is Staging


def test_a_rollout_is_the_same_either_way(corridor: Callable[..., Any], small: TrainerConfig) -> None:
    pinned = PretendPinned()
    rollouts = []
    for staging in (Staging(CPU), PinnedStaging(CPU, pinned)):
        env = corridor(4, seed=5)
        policy = build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=1)
        policy.init_memory(env.num_rows)
        experience = Experience(env.spec, small, env.num_rows, has_action_mask=True)
        experience.staging = staging
        generator = torch.Generator().manual_seed(0)
        for _ in range(2):
            collect(env, policy, experience, generator=generator, stopwatch=Stopwatch(), stop=StopFlag())
        rollouts.append(experience.buffer.clone())
    assert (rollouts[0] == rollouts[1]).all()
    assert len(pinned.made) == env.num_slots * 8, "one buffer for each slot and name, used again and again"


def test_what_was_put_stays_when_the_source_changes() -> None:
    staging, source = PinnedStaging(CPU, PretendPinned()), np.arange(3)
    put = staging.put(0, "x", source)
    source[:] = 9
    staging.put(0, "x", source)
    assert put.tolist() == [0, 1, 2]


def test_slots_and_shapes_have_buffers_of_their_own() -> None:
    pinned = PretendPinned()
    staging = PinnedStaging(CPU, pinned)
    for slot, size in ((0, 2), (1, 2), (0, 2), (0, 3)):
        staging.put(slot, "x", np.zeros(size))
    assert pinned.made == [torch.Size([2]), torch.Size([2]), torch.Size([3])]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_buffers_are_page_locked_on_a_gpu() -> None:
    device = torch.device("cuda")
    staging = make_staging(device)
    assert isinstance(staging, PinnedStaging)
    sent = staging.put(0, "x", np.arange(1000))
    assert staging._buffers[0, "x"].is_pinned()
    assert staging.fetch(0, sent).tolist() == list(range(1000))
