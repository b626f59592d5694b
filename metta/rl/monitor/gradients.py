"""Size of gradients and weights, of all and by component."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


class GradientReporter(MonitorPart):
    """Every ``interval`` epochs ``grad/{mean,variance,norm}`` and ``weights/{mean,variance,norm}`` over all entries,
    and ``grad/<component>/norm``, ``weights/<component>/norm``.

    Gradients are those of the epoch's last minibatch, as the optimizer saw them: after clipping. The mean norm before
    clipping is ``losses/grad_norm``, in every epoch.
    """

    name = "gradients"

    def __init__(self, interval: int) -> None:
        self.interval = interval

    def determined(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        if ctx.state.epoch % self.interval:
            return {}
        named = list(ctx.policy.named_parameters())
        gradients = {name: parameter.grad for name, parameter in named if parameter.grad is not None}
        weights = {name: parameter.detach() for name, parameter in named}
        return {**moments("grad", gradients), **moments("weights", weights)}


def moments(family: str, tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """Mean, variance and norm of all entries together, and each component's norm; one transfer from the device.

    >>> moments("grad", {"network.head.weight": torch.tensor([3.0, 4.0])})["grad/norm"]
    5.0
    """
    if not tensors:
        return {}
    rows = [torch.stack([t.sum(dtype=torch.float64), t.double().square().sum()]) for t in tensors.values()]
    sums = torch.stack(rows).tolist()
    squares: dict[str, float] = {}
    for name, (_, square) in zip(tensors, sums, strict=True):
        component = component_of(name)
        squares[component] = squares.get(component, 0.0) + square
    count = max(1, sum(tensor.numel() for tensor in tensors.values()))
    mean, square = sum(row[0] for row in sums) / count, sum(row[1] for row in sums)
    metrics = {f"{family}/mean": mean, f"{family}/variance": max(0.0, square / count - mean**2)}
    metrics[f"{family}/norm"] = square**0.5
    return metrics | {f"{family}/{component}/norm": total**0.5 for component, total in squares.items()}


def component_of(name: str) -> str:
    """The component that a parameter belongs to.

    >>> component_of("network.encoder.linear.weight"), component_of("log_std")
    ('encoder', 'log_std')
    """
    first, *rest = name.split(".")
    return rest[0] if first == "network" and rest else first
