"""Means over the steps that count."""

from __future__ import annotations

import torch

from metta.rl.loss.base import masked_mean


def test_masked_mean_ignores_what_is_not_valid() -> None:
    values = torch.tensor([[1.0, float("nan"), 3.0]])
    assert masked_mean(values, torch.tensor([[True, False, True]])).item() == 2.0


def test_masked_mean_of_nothing_is_zero() -> None:
    assert masked_mean(torch.ones(2, 2), torch.zeros(2, 2, dtype=torch.bool)).item() == 0.0
