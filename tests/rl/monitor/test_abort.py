from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

from metta.rl.context import UpdateStats
from metta.rl.monitor.abort import AbortByTag
from metta.rl.shared_state import SharedState


@pytest.fixture
def ctx(ctx: Any) -> Any:
    ctx.shared = SharedState()
    return ctx


def run_epochs(part: AbortByTag, ctx: Any, stats: Callable[..., UpdateStats], first: int, last: int) -> None:
    for ctx.state.epoch in range(first, last + 1):
        part.measured(ctx, stats())
        if part._asking is not None:
            part._asking.join(5)


def test_the_tag_ends_the_run_at_the_next_epoch(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    asked: list[int] = []

    def tags() -> list[str]:
        asked.append(ctx.state.epoch)
        return ["good", "abort"] if ctx.state.epoch >= 6 else ["aborted"]

    part = AbortByTag(tags, interval=3)
    run_epochs(part, ctx, stats, 1, 6)
    assert asked == [3, 6]
    assert ctx.shared.end_reason == ""
    run_epochs(part, ctx, stats, 7, 7)
    assert "abort" in ctx.shared.end_reason


def test_training_does_not_wait_for_a_server_that_hangs(ctx: Any, stats: Callable[..., UpdateStats]) -> None:
    hang, asked = threading.Event(), list[int]()

    def tags() -> list[str]:
        asked.append(1)
        hang.wait(30)
        return []

    part = AbortByTag(tags, interval=1)
    for ctx.state.epoch in range(1, 5):
        part.measured(ctx, stats())
    assert asked == [1], "one question at a time"
    hang.set()


def test_a_server_that_cannot_be_asked_is_told_once(
    ctx: Any, stats: Callable[..., UpdateStats], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)

    def tags() -> list[str]:
        raise ConnectionError("no route")

    run_epochs(AbortByTag(tags, interval=1), ctx, stats, 1, 3)
    assert caplog.text.count("cannot ask wandb") == 1
    assert ctx.shared.end_reason == ""
