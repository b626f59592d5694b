from __future__ import annotations

import logging
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metta.rl.context import UpdateStats
from metta.rl.monitor.heartbeat import Heartbeat


def test_the_file_is_touched_each_epoch(ctx: Any, stats: Callable[..., UpdateStats], tmp_path: Path) -> None:
    path = tmp_path / "new" / "beat"
    beat = Heartbeat(path)
    beat.start(ctx)
    assert path.exists()
    os.utime(path, (1.0, 1.0))
    assert beat.measured(ctx, stats()) == {}
    assert path.stat().st_mtime > 1.0


def test_the_setting_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEARTBEAT_FILE", raising=False)
    assert Heartbeat.of(None) is None
    monkeypatch.setenv("HEARTBEAT_FILE", "/a/beat")
    for configured, path in ((None, "/a/beat"), ("/b/beat", "/b/beat")):
        beat = Heartbeat.of(configured)
        assert beat is not None
        assert beat.path == Path(path)


def test_a_file_that_cannot_be_touched_is_told_once(
    ctx: Any,
    stats: Callable[..., UpdateStats],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    (tmp_path / "file").write_text("")
    beat = Heartbeat(tmp_path / "file" / "beat")
    beat.start(ctx)
    beat.measured(ctx, stats())
    assert caplog.text.count("cannot touch the heartbeat file") == 1
    assert "metrics.heartbeat_file" in caplog.text
