"""The parts of MetricsHook, a line each, in the order in which they are asked."""

from __future__ import annotations

from metta.rl.monitor.episode_details import EpisodeDetails
from metta.rl.monitor.gradients import GradientReporter
from metta.rl.monitor.heartbeat import Heartbeat
from metta.rl.monitor.memory import MemoryMonitor
from metta.rl.monitor.metrics_config import MetricsConfig
from metta.rl.monitor.part import MonitorPart
from metta.rl.monitor.profiler import ProfilerPart
from metta.rl.monitor.run_times import RunTimes
from metta.rl.monitor.system import SystemMonitor


def build_parts(config: MetricsConfig) -> list[MonitorPart]:
    """The parts that ``config`` asks for. The profiler is last: it ends and begins its recording there."""
    parts: list[MonitorPart | None] = [
        EpisodeDetails(config.window, details=config.details),
        GradientReporter(config.gradient_interval) if config.gradient_interval else None,
        RunTimes(),
        MemoryMonitor(),
        SystemMonitor() if config.system else None,
        Heartbeat.of(config.heartbeat_file),
        ProfilerPart(config.profiler_interval) if config.profiler_interval else None,
    ]
    return [part for part in parts if part is not None]
