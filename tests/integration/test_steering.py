"""A training that runs is steered by other processes, killed, and goes on; a second run replays what it was told."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from metta.tracking.jsonl import read_jsonl


def steer(data_dir: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [
        sys.executable,
        "-m",
        "metta.cli.main",
        "control",
        "run=demo",
        f"system.data_dir={data_dir}",
        "timeout=120",
    ]
    return subprocess.run([*command, *words], capture_output=True, text=True, check=False, timeout=150)


def test_a_live_training_is_steered_killed_and_repeated(start: Callable[..., Any], tmp_path: Path) -> None:
    process = start()
    process.wait_until((tmp_path / "demo" / "control" / "status.json").exists)
    assert steer(tmp_path, "pause").returncode == 0
    wrong = steer(tmp_path, "frozen_components=[mpl]")
    assert wrong.returncode == 2
    assert "Did you mean 'mlp'" in wrong.stderr
    right = steer(tmp_path, "frozen_components=[mlp]", "component_lr.actor=1e-5", "resume")
    assert right.returncode == 0, right.stderr
    assert "frozen" in right.stdout
    rows = process.rows
    process.wait_until(lambda: process.rows >= rows + 1)
    process.kill()
    again = start()
    assert again.finish() == 0, again.output
    late = steer(tmp_path, "pause")
    assert late.returncode == 2
    assert "no live training" in late.stderr
    root = tmp_path / "demo"
    last = read_jsonl(root / "metrics.jsonl")[-1]
    assert last["control/mlp/frozen"] == 1
    (tmp_path / "first").mkdir()
    root.rename(tmp_path / "first" / "demo")
    twin = start(f"control_log={tmp_path / 'first' / 'demo'}")
    assert twin.finish() == 0, twin.output
    for name in ("metrics.jsonl", "checkpoints/demo:v20.mpt"):
        assert (root / name).read_bytes() == (tmp_path / "first" / "demo" / name).read_bytes()
