"""How a step's data gets to the device and its actions back: directly, or through page-locked memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Allocate = Callable[[torch.Size, torch.dtype], Tensor]


class Staging:
    """Direct: what a training on the CPU needs."""

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def put(self, slot: int, name: str, array: NDArray[Any]) -> Tensor:
        """``array`` on the device; what it holds may be shared with ``array``."""
        return torch.from_numpy(array).to(self.device)

    def fetch(self, slot: int, actions: Tensor) -> NDArray[np.int32]:
        """``actions`` in the environments' type, when they are there."""
        return actions.to("cpu", torch.int32).numpy()


class PinnedStaging(Staging):
    """A page-locked buffer for each slot and name, so that copies run beside the host's work.

    While the native threads step one slot, the other one's data are on their way and its inference runs::

        host    recv(0) fill(0) launch | recv(1) fill(1) launch |  wait(0) send(0) ...
        device           copy, infer 0 |          copy, infer 1 |

    A buffer is filled again one step later. By then its copy is over: ``fetch`` of the same slot waited for all that
    was asked of the device's one stream before.
    """

    def __init__(self, device: torch.device, allocate: Allocate | None = None) -> None:
        super().__init__(device)
        self._allocate: Allocate = _pinned if allocate is None else allocate
        self._buffers: dict[tuple[int, str], Tensor] = {}

    def put(self, slot: int, name: str, array: NDArray[Any]) -> Tensor:
        source = torch.from_numpy(array)
        buffer = self._buffer(slot, name, source.shape, source.dtype)
        buffer.copy_(source)
        sent = buffer.to(self.device, non_blocking=True)
        return sent.clone() if sent is buffer else sent

    def fetch(self, slot: int, actions: Tensor) -> NDArray[np.int32]:
        buffer = self._buffer(slot, "actions back", actions.shape, torch.int32)
        buffer.copy_(actions, non_blocking=True)
        if self.device.type == "cuda":
            torch.cuda.current_stream(self.device).synchronize()
        return buffer.numpy()

    def _buffer(self, slot: int, name: str, shape: torch.Size, dtype: torch.dtype) -> Tensor:
        buffer = self._buffers.get((slot, name))
        if buffer is None or buffer.shape != shape:
            buffer = self._buffers[slot, name] = self._allocate(shape, dtype)
        return buffer


def make_staging(device: torch.device) -> Staging:
    """The way that is right for ``device``."""
    return PinnedStaging(device) if device.type == "cuda" else Staging(device)


def _pinned(shape: torch.Size, dtype: torch.dtype) -> Tensor:
    return torch.empty(shape, dtype=dtype, pin_memory=True)
