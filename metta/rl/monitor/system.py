"""What the machine does meanwhile: processors, memory, disk, GPU."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import psutil
import torch

from metta.common.log import get_logger
from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats

_log = get_logger(__name__)


class SystemMonitor(MonitorPart):
    """``monitor/*``, once an epoch; no thread of its own. Percentages of the processors are means since the epoch
    before; ``process_cpu_percent`` counts 100 for each processor that is kept busy.

    ``threads`` and ``open_files`` of the process stay constant in a healthy run. The GPU's figures come from NVML.
    """

    name = "system"

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._gpu_fails = False

    def start(self, ctx: TrainerContext) -> None:
        psutil.cpu_percent(None)  # from here on the mean is counted
        self._process.cpu_percent(None)

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        memory = psutil.virtual_memory()
        with self._process.oneshot():
            numbers = {
                "cpu_percent": psutil.cpu_percent(None),
                "process_cpu_percent": self._process.cpu_percent(None),
                "memory_percent": memory.percent,
                "memory_available": memory.available,
                "threads": self._process.num_threads(),
                "open_files": self._process.num_fds(),
            }
        with contextlib.suppress(OSError):  # the folder is away for a moment: whoever writes there tells it
            numbers["disk_free"] = psutil.disk_usage(str(ctx.run_dir.root)).free
        if ctx.device.type == "cuda":
            numbers |= self._gpu(ctx.device)
        return {f"monitor/{name}": float(number) for name, number in numbers.items()}

    def _gpu(self, device: torch.device) -> dict[str, float]:
        if self._gpu_fails:
            return {}
        try:
            free, total = torch.cuda.mem_get_info(device)
            return {
                "gpu_percent": float(torch.cuda.utilization(device)),
                "gpu_memory_percent": 100.0 * (total - free) / total,
                "gpu_temperature": float(torch.cuda.temperature(device)),
                "gpu_watts": torch.cuda.power_draw(device) / 1000.0,
            }
        except (RuntimeError, ImportError) as error:  # no NVML here, or no right to ask it
            _log.warning("no figures of the GPU (monitor/gpu_*): %s", error)
            self._gpu_fails = True
            return {}
