"""A context and statistics as small as a part needs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from metta.common.run_dir import RunDir
from metta.rl.context import RolloutStats, TrainerState, UpdateStats


@pytest.fixture
def ctx(tmp_path: Path) -> Any:
    return SimpleNamespace(
        state=TrainerState(epoch=1, agent_step=100),
        config=SimpleNamespace(total_timesteps=1000),
        run_dir=RunDir.at(tmp_path, "demo").create(),
        device=torch.device("cpu"),
    )


@pytest.fixture
def stats() -> Callable[..., UpdateStats]:
    """``stats(episodes={}, records=(), **seconds)`` of an epoch with 100 agent-steps."""

    def make(episodes: dict[str, float] | None = None, records: tuple[Any, ...] = (), **seconds: float) -> UpdateStats:
        rollout = RolloutStats(episodes or {}, len(records), 100, records)
        return UpdateStats({}, rollout, {name.replace("__", "."): value for name, value in seconds.items()})

    return make
