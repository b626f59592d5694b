from __future__ import annotations

import gzip
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch

from metta.rl.context import UpdateStats
from metta.rl.monitor.profiler import ProfilerPart


def run_epochs(part: ProfilerPart, ctx: Any, stats: Callable[..., UpdateStats], first: int, last: int) -> None:
    for epoch in range(first, last + 1):
        torch.ones(epoch).sum()
        ctx.state.epoch, ctx.state.agent_step = epoch, 100 * epoch
        part.measured(ctx, stats())


def test_each_interval_gives_a_chrome_trace(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    part = ProfilerPart(interval=2)
    ctx.state.epoch = 0
    part.start(ctx)
    run_epochs(part, ctx, stats, 1, 5)
    part.close()
    part.close()
    written = sorted(path.name for path in (ctx.run_dir.root / "profiles").iterdir())
    assert written == ["epoch_2.json.gz", "epoch_4.json.gz"]
    with gzip.open(ctx.run_dir.root / "profiles" / "epoch_4.json.gz", "rt") as file:
        events = json.load(file)["traceEvents"]
    assert "aten::sum" in {event.get("name") for event in events}


def test_an_epoch_that_breaks_off_leaves_no_trace(ctx: Any) -> None:
    part = ProfilerPart(interval=1)
    part.start(ctx)
    part.close()
    assert not (ctx.run_dir.root / "profiles").exists()


def test_a_trace_that_cannot_be_written_is_told(
    ctx: Any, stats: Callable[..., UpdateStats], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    (ctx.run_dir.root / "profiles").write_text("in the way")
    part = ProfilerPart(interval=2)
    part.start(ctx)
    run_epochs(part, ctx, stats, 2, 2)
    assert "cannot write the profile" in caplog.text
