from __future__ import annotations

from pathlib import Path

import pytest

from metta.rl.monitor.metrics_config import MetricsConfig
from metta.rl.monitor.registry import build_parts


def names(**config: object) -> list[str]:
    return [part.name for part in build_parts(MetricsConfig.model_validate(config))]


def test_each_part_comes_with_its_setting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("HEARTBEAT_FILE", raising=False)
    assert names() == ["episode_details", "run_times", "memory", "system"]
    assert names(system=False) == ["episode_details", "run_times", "memory"]
    everything = names(gradient_interval=2, profiler_interval=3, heartbeat_file=str(tmp_path / "beat"))
    assert everything == ["episode_details", "gradients", "run_times", "memory", "system", "heartbeat", "profiler"]
    monkeypatch.setenv("HEARTBEAT_FILE", str(tmp_path / "beat"))
    assert "heartbeat" in names()
