"""A run that is killed again and again ends with the bytes of a run that nobody disturbed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

KILLS = 5
SEED = 20


def saves_of(root: Path) -> set[Path]:
    """Files and folders that a save has begun, finished or not."""
    return {*root.glob("checkpoints/*"), *root.glob("checkpoints/.*"), *root.glob("trainer_state/**/*")}


@pytest.mark.slow
def test_kill_minus_nine_at_any_moment_changes_nothing(
    start: Callable[..., Any], undisturbed: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    """Every second kill hits a save: as soon as a half-written file is seen. The others hit somewhere in an epoch."""
    rng = random.Random(SEED)
    for number in range(KILLS):
        process = start()
        if number % 2:
            known = saves_of(process.root)
            process.wait_until(lambda process=process, known=known: bool(saves_of(process.root) - known))
        else:
            rows = process.rows + rng.randint(2, 4)
            process.wait_until(lambda process=process, rows=rows: process.rows >= rows)
        process.kill()
    process = start()
    assert process.finish() == 0, process.output
    log = (process.root / "run.log").read_text()
    resumed = [int(epoch) for epoch in re.findall(r"resuming run=demo from epoch (\d+)", log)]
    assert resumed == sorted(resumed)
    assert resumed[-1] >= 3
    assert_same_run(process.root, undisturbed)


def test_a_damaged_newest_state_costs_epochs_but_no_bits(
    start: Callable[..., Any], undisturbed: Path, assert_same_run: Callable[[Path, Path], None]
) -> None:
    process = start()
    process.wait_until((process.root / "trainer_state" / "v9" / "manifest.json").exists)
    process.kill()
    newest = max((process.root / "trainer_state").glob("v*"), key=lambda folder: int(folder.name[1:]))
    tensors = newest / "rank0.safetensors"
    data = bytearray(tensors.read_bytes())
    data[len(data) // 2] ^= 1
    tensors.write_bytes(data)
    process = start()
    assert process.finish() == 0, process.output
    assert "wrong" not in process.output
    assert "Going on from epoch" in process.output
    assert str(tensors) in process.output
    assert_same_run(process.root, undisturbed)
