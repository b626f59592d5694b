from __future__ import annotations

from collections.abc import Callable
from typing import Any

from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook, is_last_epoch
from metta.rl.trainer import Trainer


class Counting(TrainerHook):
    """Remembers the order of its calls."""

    name = "counting"

    def __init__(self) -> None:
        self.calls: list[str] = []

    def on_training_start(self, ctx: TrainerContext) -> None:
        self.calls.append("start")

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        assert stats.metrics == {}
        self.calls.append("rollout")

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.calls.append("last epoch" if is_last_epoch(ctx) else "epoch")

    def on_training_end(self, ctx: TrainerContext) -> None:
        self.calls.append("end")

    def state_dict(self) -> dict[str, Any]:
        return {"calls": len(self.calls)}


def test_a_bare_hook_does_nothing(make_trainer: Callable[..., Trainer]) -> None:
    make_trainer([TrainerHook()], epochs=1).train()


def test_moments_come_in_order(make_trainer: Callable[..., Trainer]) -> None:
    hook = Counting()
    make_trainer([hook], epochs=2).train()
    assert hook.calls == ["start", "rollout", "epoch", "rollout", "last epoch", "end"]
