from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from tensordict import TensorDict

from metta.rl.context import UpdateStats
from metta.rl.monitor.memory import MemoryMonitor, peak_resident_bytes


def test_sizes_are_those_of_the_tensors(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    ctx.policy = torch.nn.Linear(3, 2)  # 8 numbers
    ctx.optimizer = torch.optim.Adam(ctx.policy.parameters())
    ctx.policy(torch.ones(3)).sum().backward()
    ctx.optimizer.step()
    ctx.experience = type(
        "Experience", (), {"buffer": TensorDict({"a": torch.zeros(5, 7), "b": {"c": torch.zeros(5)}})}
    )
    sizes = MemoryMonitor().measured(ctx, stats())
    assert sizes["trainer_memory/policy"] == 8 * 4
    assert sizes["trainer_memory/optimizer"] == 2 * 8 * 4 + 2 * 4  # two moments, a step counter a tensor
    assert sizes["trainer_memory/experience"] == 40 * 4
    assert 10 * 2**20 < sizes["trainer_memory/rss"] <= sizes["trainer_memory/peak_rss"] * 1.01
    assert peak_resident_bytes() >= sizes["trainer_memory/peak_rss"]
