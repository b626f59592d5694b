"""How much memory training takes, and what takes it."""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import psutil
import torch

from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


class MemoryMonitor(MonitorPart):
    """``trainer_memory/*`` in bytes: the process (``rss``, ``peak_rss``), the tensors of policy, optimizer and
    experience, and with CUDA what torch holds on the device now and held at most in this epoch.
    """

    name = "memory"

    def __init__(self) -> None:
        self._process = psutil.Process()

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        optimizer = (value for state in ctx.optimizer.state.values() for value in state.values())
        sizes = {
            "rss": self._process.memory_info().rss,
            "peak_rss": peak_resident_bytes(),
            "policy": _bytes_of([*ctx.policy.parameters(), *ctx.policy.buffers()]),
            "optimizer": _bytes_of(optimizer),
            "experience": _bytes_of(ctx.experience.buffer.values(True, True)),
        }
        if ctx.device.type == "cuda":
            sizes["gpu_allocated"] = torch.cuda.memory_allocated(ctx.device)
            sizes["gpu_peak"] = torch.cuda.max_memory_allocated(ctx.device)
            torch.cuda.reset_peak_memory_stats(ctx.device)
        return {f"trainer_memory/{name}": float(size) for name, size in sizes.items()}


def peak_resident_bytes() -> int:
    """Largest resident size of this process so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _bytes_of(values: Iterable[object]) -> int:
    return sum(value.numel() * value.element_size() for value in values if isinstance(value, torch.Tensor))
