"""What several losses compute along the time of a segment."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from metta.agent.scan import linear_scan


def sums_to_come(terms: Tensor, decay: Tensor) -> Tensor:
    """``A[t] = terms[t] + decay[t] A[t+1]``, with nothing after the last column. Gradients go through both.

    Shapes: both and the result ``[s, T]``.

    >>> sums_to_come(torch.ones(1, 3), torch.full((1, 3), 0.5)).tolist()
    [[1.75, 1.5, 1.0]]
    """
    return linear_scan(decay.flip(1), terms.flip(1), torch.zeros_like(terms[:, 0])).flip(1)


def following_values(values: Tensor, batch: Mapping[str, Tensor]) -> Tensor:
    """The value of what came after each step: that of the next column, after the last column the rollout's, and 0 after
    termination. Where an episode was truncated, the next column is its final observation.

    Shapes: ``values`` and the result ``[s, T]``; reads ``next_values``, ``terminated``.
    """
    shifted = torch.cat([values[:, 1:], batch["next_values"][:, -1:]], dim=1)
    return shifted.masked_fill(batch["terminated"], 0.0)


def ended(batch: Mapping[str, Tensor]) -> Tensor:
    """Whether an episode ended with a step.

    Shapes: ``[s, T] bool``.
    """
    return batch["terminated"] | batch["truncated"]


def log_ratio(batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> Tensor:
    """How much likelier the action has become since the rollout; 0 for ignored steps, because an infinite ratio times
    zero would poison the gradient.

    Shapes: ``[s, T]``.
    """
    return torch.where(batch["valid"], output["act_log_prob"] - batch["act_log_prob"], 0.0)


def steps_ahead(batch: Mapping[str, Tensor]) -> Tensor:
    """How many later observations of the same episode a step's segment holds, the final one included; 0 for ignored
    steps.

    Shapes: ``[s, T] int64``.

    >>> no = torch.zeros(1, 4, dtype=torch.bool)
    >>> end = torch.tensor([[False, True, False, False]])
    >>> steps_ahead({"terminated": end, "truncated": no, "valid": ~end.roll(1, 1)}).tolist()
    [[2, 1, 0, 0]]
    """
    valid, goes_on = batch["valid"], ~ended(batch)
    counts = torch.zeros_like(valid, dtype=torch.int64)
    for t in reversed(range(valid.shape[1] - 1)):
        counts[:, t] = valid[:, t] * (1 + goes_on[:, t] * counts[:, t + 1])
    return counts


def shifted(values: Tensor, steps: int) -> Tensor:
    """``values[:, t + steps]`` at t; what lies beyond the segment is 0.

    Shapes: ``values`` and the result ``[s, T, ...]``.
    """
    if steps >= values.shape[1]:
        return torch.zeros_like(values)
    return torch.cat([values[:, steps:], torch.zeros_like(values[:, :steps])], dim=1)
