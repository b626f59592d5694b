"""What a loss is, and how the configured ones are built."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.rl.loss.loss_config import LossConfig


@dataclass(frozen=True, slots=True)
class LossOutput:
    """Scalar to minimise and detached scalars to log."""

    loss: Tensor
    metrics: Mapping[str, Tensor]


class Loss(ABC):
    """Reads a minibatch and the policy's output on it, returns a scalar.

    Steps whose action was ignored (``batch["valid"]`` false) must not count: use :func:`masked_mean`.
    """

    reads: ClassVar[tuple[str, ...]]
    """Policy outputs that this loss trains."""
    batch_reads: ClassVar[tuple[str, ...]]
    """Keys of the experience that it needs."""

    def __init__(self, cfg: LossConfig) -> None:
        self.weight = cfg.weight

    @abstractmethod
    def __call__(self, batch: Any, output: Any) -> LossOutput:
        """Loss on ``batch`` and ``output``: mappings from key to tensor ``[s, T]``."""


def masked_mean(values: Tensor, valid: Tensor) -> Tensor:
    """Mean of ``values`` where ``valid``; 0 where nothing is valid.

    Shapes: both ``[s, T]``; result ``()``.
    """
    return torch.where(valid, values, 0.0).sum() / valid.sum().clamp(min=1)
