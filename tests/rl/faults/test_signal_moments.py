"""Real signals in every part of an epoch: the run ends soon and goes on to the bytes of an undisturbed one."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

from metta.common.errors import InterruptedBySignal
from metta.rl.context import TrainerContext, UpdateStats, check_stop
from metta.rl.hooks.base import TrainerHook
from metta.rl.signals import stop_on_signals

Start = Callable[..., Any]
MOMENTS = ("rollout", "update", "evaluation", "save")


class Evaluation(TrainerHook):
    """Stands where the evaluation does, between the policy's save and the rows; asks for the flag as it does."""

    name = "evaluation"

    def __init__(self) -> None:
        self.during: Callable[[int], None] = lambda epoch: None

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.during(ctx.state.epoch)
        check_stop(ctx.stop)


def send_at(moment: str, signum: int, training: Any, evaluation: Evaluation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the process send ``signum`` to itself once, in the third epoch."""
    sent: list[int] = []

    def send(epoch: int) -> None:
        if epoch == 2 and not sent:
            sent.append(signum)
            os.kill(os.getpid(), signum)

    trainer = training.trainer
    owner, name = {
        "rollout": (training.env, "send"),
        "update": (trainer.optimizer, "step"),
        "save": (training.store, "save"),
        "evaluation": (None, ""),
    }[moment]
    if owner is None:
        evaluation.during = lambda epoch: send(epoch - 1)
        return
    original = getattr(owner, name)

    def with_signal(*arguments: Any, **named: Any) -> Any:
        send(trainer.state.epoch if moment != "save" else trainer.state.epoch - 1)
        return original(*arguments, **named)

    monkeypatch.setattr(owner, name, with_signal)


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_signal_at_any_moment_costs_nothing(
    moment: str,
    signum: signal.Signals,
    start: Start,
    undisturbed: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    evaluation = Evaluation()
    training = start(hooks=(evaluation,))
    send_at(moment, signum, training, evaluation, monkeypatch)
    began = time.monotonic()
    with (
        pytest.raises(InterruptedBySignal, match=f"run=demo by {signum.name} at epoch [23]") as caught,
        stop_on_signals(training.stop),
    ):
        training.trainer.train()
    assert time.monotonic() - began < 10
    assert caught.value.exit_code == 128 + signum
    assert training.store.newest_epoch() == (3 if moment == "save" else 2), "the start of the epoch that was cut"
    again = start(hooks=(Evaluation(),))
    again.trainer.train()
    assert again.results() == undisturbed


@pytest.mark.parametrize("moment", MOMENTS)
def test_sigusr1_writes_a_checkpoint_and_training_goes_on(
    moment: str, start: Start, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Policy and state of the third epoch's end are written, though neither was due; the run ends as it would have."""
    evaluation, saved = Evaluation(), []
    training = start(hooks=(evaluation,), interval=1 if moment == "save" else 100)
    trainer = training.trainer
    send_at(moment, signal.SIGUSR1, training, evaluation, monkeypatch)
    checkpoint = trainer._checkpoint_now

    def watch() -> str:
        text = checkpoint()
        saved.append((trainer.state.epoch, text, training.manager.epochs()[-1:], training.store.newest_epoch()))
        return text

    monkeypatch.setattr(trainer._outside, "checkpoint", watch)
    with stop_on_signals(training.stop):
        trainer.train()
    uri = f"file://{training.manager.path_of(3)}"
    assert saved == [(3, f"saved {uri}, the state of epoch 3", [3], 3)]
    assert training.results() == undisturbed


def test_a_checkpoint_that_cannot_be_written_is_told_and_training_goes_on(
    start: Start, undisturbed: dict[str, bytes], warnings: pytest.LogCaptureFixture
) -> None:
    training = start(interval=100)
    (training.store.root / "v0").write_text("in the way")
    training.stop.ask_checkpoint("SIGUSR1")
    training.trainer.train()
    assert "SIGUSR1 asked for a checkpoint: cannot save trainer state" in warnings.text
    assert "Training goes on" in warnings.text
    assert training.results() == undisturbed
