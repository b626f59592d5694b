"""Equal commands write equal bytes, whatever the process is started with."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest


@pytest.mark.slow
@pytest.mark.parametrize(("hash_seed", "threads"), [("1", 1), ("2", 2)])
def test_hash_seed_and_environment_threads_change_nothing(
    start: Callable[..., Any],
    undisturbed: Path,
    assert_same_run: Callable[[Path, Path], None],
    monkeypatch: pytest.MonkeyPatch,
    hash_seed: str,
    threads: int,
) -> None:
    monkeypatch.setitem(os.environ, "PYTHONHASHSEED", hash_seed)
    process = start(f"training_env.num_threads={threads}")
    assert process.finish() == 0, process.output
    assert_same_run(process.root, undisturbed)
