from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.rl.context import UpdateStats
from metta.rl.monitor.gradients import GradientReporter, component_of, moments


def test_moments_equal_those_of_all_entries_in_one_vector() -> None:
    torch.manual_seed(0)
    tensors = {
        "network.encoder.weight": torch.randn(3, 4),
        "network.encoder.bias": torch.randn(4),
        "log_std": torch.ones(2),
    }
    flat = torch.cat([tensor.flatten().double() for tensor in tensors.values()])
    found = moments("grad", tensors)
    assert found["grad/mean"] == pytest.approx(float(flat.mean()))
    assert found["grad/variance"] == pytest.approx(float(flat.var(correction=0)))
    assert found["grad/norm"] == pytest.approx(float(flat.norm()))
    assert found["grad/log_std/norm"] == pytest.approx(2**0.5)
    assert found["grad/encoder/norm"] == pytest.approx(float(flat[:16].norm()))


@pytest.mark.parametrize(
    ("name", "component"), [("network.a.b.c", "a"), ("network", "network"), ("head.weight", "head")]
)
def test_components(name: str, component: str) -> None:
    assert component_of(name) == component


def test_frozen_weights_have_no_gradient_and_the_interval_counts(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    ctx.policy = torch.nn.Sequential(torch.nn.Linear(1, 1, bias=False), torch.nn.Linear(1, 1, bias=False))
    for parameter, weight in zip(ctx.policy.parameters(), (2.0, 3.0), strict=True):
        torch.nn.init.constant_(parameter, weight)
    ctx.policy[0].requires_grad_(False)
    ctx.policy(torch.ones(1)).sum().backward()
    reporter = GradientReporter(interval=2)
    assert reporter.determined(ctx, stats()) == {}, "epoch 1"
    ctx.state.epoch = 2
    found = reporter.determined(ctx, stats())
    assert found["grad/norm"] == found["grad/1/norm"] == 2.0
    assert "grad/0/norm" not in found
    assert found["weights/norm"] == pytest.approx(13**0.5)


def test_without_any_gradient_there_are_only_weights(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    ctx.policy = torch.nn.Linear(1, 1)
    assert not any(name.startswith("grad/") for name in GradientReporter(1).determined(ctx, stats()))
