from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.rl.context import UpdateStats
from metta.rl.monitor.system import SystemMonitor


def test_a_busy_epoch_shows(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    monitor = SystemMonitor()
    monitor.start(ctx)
    end = time.process_time() + 0.05
    while time.process_time() < end:
        pass
    numbers = monitor.measured(ctx, stats())
    assert numbers["monitor/process_cpu_percent"] > 0
    assert 0 <= numbers["monitor/cpu_percent"] <= 100
    assert 0 < numbers["monitor/memory_percent"] < 100
    assert numbers["monitor/threads"] >= 1
    assert numbers["monitor/disk_free"] > 0
    assert not any("gpu" in name for name in numbers)


def test_a_run_folder_that_is_gone_is_not_its_affair(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    shutil.rmtree(ctx.run_dir.root)
    assert "monitor/disk_free" not in SystemMonitor().measured(ctx, stats())


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_the_gpu_is_watched(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    ctx.device = torch.device("cuda")
    torch.zeros(1, device="cuda")
    numbers = SystemMonitor().measured(ctx, stats())
    assert 0 <= numbers["monitor/gpu_percent"] <= 100
    assert numbers["monitor/gpu_memory_percent"] > 0
    assert 0 < numbers["monitor/gpu_temperature"] < 120
