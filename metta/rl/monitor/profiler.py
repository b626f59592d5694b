"""What torch does in one epoch, as a trace that Chrome (chrome://tracing) and Perfetto show."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.profiler import ProfilerActivity, profile

from metta.common.log import get_logger
from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats

_log = get_logger(__name__)


class ProfilerPart(MonitorPart):
    """Records each ``interval``-th epoch whole, hooks included, and writes ``<run>/profiles/epoch_<n>.json.gz``.

    Recording starts at the end of the epoch before, where MetricsHook comes last. An epoch that breaks off leaves no
    trace. A trace that cannot be written is told; training goes on.
    """

    name = "profiler"

    def __init__(self, interval: int) -> None:
        os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # read at the first recording: else lines in the live panel
        self.interval = interval
        self._running: Any = None

    def start(self, ctx: TrainerContext) -> None:
        self._start_before(ctx.state.epoch + 1, ctx)

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        if self._running is not None:
            self._write(ctx)
        self._start_before(ctx.state.epoch + 1, ctx)
        return {}

    def close(self) -> None:
        if self._running is not None:
            self._running.stop()
            self._running = None

    def _start_before(self, epoch: int, ctx: TrainerContext) -> None:
        if epoch % self.interval == 0 and ctx.state.agent_step < ctx.config.total_timesteps:
            cuda = [ProfilerActivity.CUDA] if ctx.device.type == "cuda" and torch.cuda.is_available() else []
            self._running = profile(activities=[ProfilerActivity.CPU, *cuda])
            self._running.start()

    def _write(self, ctx: TrainerContext) -> None:
        running = self._running
        self.close()
        path = ctx.run_dir.root / "profiles" / f"epoch_{ctx.state.epoch}.json.gz"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            running.export_chrome_trace(str(path))
        except (OSError, RuntimeError) as error:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)
            _log.warning("cannot write the profile %s: %s. Training goes on without it.", path, error)
        else:
            _log.info("epoch %d: profile written to %s", ctx.state.epoch, path)
