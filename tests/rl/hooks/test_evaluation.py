from __future__ import annotations

import logging
import weakref
from collections.abc import Callable

import pytest

from metta.checkpoint.config import CheckpointerConfig
from metta.checkpoint.manager import CheckpointManager
from metta.common.errors import CheckpointError, InterruptedBySignal
from metta.common.run_dir import RunDir
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook
from metta.rl.hooks.checkpoint import CheckpointHook
from metta.rl.hooks.evaluation import EvaluationHook, Scores
from metta.rl.signals import StopFlag
from metta.rl.trainer import Trainer


class Player:
    """An ``evaluate`` that remembers what it was asked for."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def __call__(self, uri: str, seed: int, tick: Callable[[], None]) -> Scores:
        tick()
        self.calls.append((uri.rsplit(":", 1)[1], seed))
        return {"corridor/a": {"reward": 1.0, "length": 9.0}, "corridor/b": {"reward": 2.0}}


def checkpoint_hook(run_dir: RunDir, also_every: int) -> CheckpointHook:
    return CheckpointHook(CheckpointManager(run_dir), CheckpointerConfig(epoch_interval=100), also_every)


@pytest.mark.parametrize(("interval", "evaluated"), [(0, []), (2, ["v2", "v4", "v5"]), (5, ["v5"]), (9, [])])
def test_policies_of_the_interval_and_the_last_one_are_played(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, interval: int, evaluated: list[str]
) -> None:
    player, phases = Player(), list[str]()
    hook = EvaluationHook(player, interval, seed=3, announce=phases.append)
    trainer = make_trainer([checkpoint_hook(run_dir, interval), hook], epochs=5)
    trainer.train()
    assert player.calls == [(f"{version}.mpt", 3) for version in evaluated]
    assert phases == ["evaluating"] * len(evaluated)
    if evaluated:
        told = trainer.context.shared.evaluation_scores
        assert told is not None
        assert (told.epoch, told.in_force, told.score) == (5, 5, 1.5)
        assert told.scores["corridor/a"] == {"reward": 1.0, "length": 9.0}


def test_what_an_evaluation_leaves_behind_is_gone_at_once(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    """Its policy is a web of parts that know each other; a run of a week must not gather them."""
    webs: list[weakref.ref[Player]] = []

    def play(uri: str, seed: int, tick: Callable[[], None]) -> Scores:
        assert [web() for web in webs] == [None] * len(webs)
        web = Player()
        web.__dict__["itself"] = web
        webs.append(weakref.ref(web))
        return {}

    make_trainer([checkpoint_hook(run_dir, 1), EvaluationHook(play, 1, seed=3)], epochs=3).train()
    assert len(webs) == 3
    assert webs[-1]() is None


def test_an_epoch_without_its_policy_is_not_evaluated(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Never the scores of an older policy under a newer epoch."""
    player = Player()
    checkpoints = checkpoint_hook(run_dir, 1)
    save = checkpoints.manager.save_policy

    def flaky(policy: object, epoch: int, agent_step: int) -> str:
        if epoch == 2:
            raise CheckpointError("no space left")
        return save(policy, epoch, agent_step)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(checkpoints.manager, "save_policy", flaky)
    make_trainer([checkpoints, EvaluationHook(player, 1, seed=0)], epochs=3).train()
    assert [version for version, _ in player.calls] == ["v1.mpt", "v3.mpt"]


def test_a_signal_ends_a_long_evaluation(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    stop = StopFlag()

    def endless(uri: str, seed: int, tick: Callable[[], None]) -> Scores:
        stop.set(15)
        while True:
            tick()

    hooks = [checkpoint_hook(run_dir, 2), EvaluationHook(endless, 2, seed=0)]
    with pytest.raises(InterruptedBySignal, match="epoch 1"):  # the cut epoch is done again, evaluation included
        make_trainer(hooks, epochs=4, stop=stop).train()


def test_a_failing_evaluation_stops_the_run_and_names_the_hook(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    def fail(uri: str, seed: int, tick: Callable[[], None]) -> Scores:
        raise ZeroDivisionError("in the game")

    with pytest.raises(ZeroDivisionError, match="in the game") as caught:
        make_trainer([checkpoint_hook(run_dir, 1), EvaluationHook(fail, 1, seed=0)]).train()
    assert caught.value.__notes__ == ["raised by EvaluationHook.on_epoch_end at epoch 1"]


class Background:
    """``start`` of evaluations that are done when ``result`` is asked for; remembers what happened."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def __call__(self, uri: str, seed: int) -> Background.Job:
        self.events.append(f"start {uri.rsplit(':', 1)[1]}")
        return self.Job(self, uri)

    class Job:
        def __init__(self, background: Background, uri: str) -> None:
            self.background = background
            self.epoch = int(uri.rsplit(":v", 1)[1].removesuffix(".mpt"))

        def result(self, tick: Callable[[], None]) -> Scores:
            tick()
            self.background.events.append(f"result {self.epoch}")
            return {"corridor/a": {"reward": float(self.epoch)}}

        def cancel(self) -> None:
            self.background.events.append(f"cancel {self.epoch}")


class Rows(TrainerHook):
    """What MetricsHook would write of evaluations: {epoch of the row: epoch of the policy}."""

    def __init__(self, fail_at: int = -1) -> None:
        self.told: dict[int, int] = {}
        self.fail_at = fail_at

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        scores = ctx.shared.evaluation_scores
        if scores is not None and scores.in_force == ctx.state.epoch:
            self.told[ctx.state.epoch] = scores.epoch
        if ctx.state.epoch == self.fail_at:
            raise RuntimeError("stop here")


def hooks_of(run_dir: RunDir, start: Background | None, rows: Rows, player: Player | None = None) -> list[TrainerHook]:
    hook = EvaluationHook(player or Player(), 3, seed=0, start=start, result_after=2)
    return [CheckpointHook(CheckpointManager(run_dir), CheckpointerConfig(epoch_interval=1), 3), hook, rows]


def test_scores_of_the_background_take_effect_a_fixed_number_of_epochs_later(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    start, rows, player = Background(), Rows(), Player()
    trainer = make_trainer(hooks_of(run_dir, start, rows, player), epochs=7)
    trainer.train()
    assert start.events == ["start v3.mpt", "result 3", "start v6.mpt", "result 6"]
    assert player.calls == [("v7.mpt", 0)], "the last one is waited for, here"
    assert rows.told == {5: 3, 7: 7}
    assert trainer.context.shared.scores_by_epoch == {3: 3.0, 6: 6.0, 7: 1.5}
    assert trainer.context.shared.pending_evaluations == ()


def test_a_pending_evaluation_is_started_again_when_the_run_goes_on(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    start = Background()
    with pytest.raises(RuntimeError, match="stop here"):
        make_trainer(hooks_of(run_dir, start, Rows(fail_at=5)), epochs=5).train()
    assert start.events == ["start v3.mpt", "result 3"], "the failing epoch had its scores; it is done again"
    again, rows = Background(), Rows()
    make_trainer(hooks_of(run_dir, again, rows), epochs=5).train()
    assert again.events == ["start v3.mpt", "result 3"]
    assert rows.told == {5: 5}
    cancelled = Background()
    with pytest.raises(RuntimeError, match="stop here"):
        make_trainer(hooks_of(run_dir, cancelled, Rows(fail_at=7)), epochs=9).train()
    assert cancelled.events == ["start v6.mpt", "cancel 6"]


def test_without_background_a_pending_evaluation_is_done_here_when_it_is_due(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    with pytest.raises(RuntimeError, match="stop here"):
        make_trainer(hooks_of(run_dir, Background(), Rows(fail_at=4)), epochs=6).train()
    rows, player = Rows(), Player()
    make_trainer(hooks_of(run_dir, None, rows, player), epochs=6).train()
    assert [version for version, _ in player.calls] == ["v3.mpt", "v6.mpt"]
    assert rows.told == {5: 3, 6: 6}


def test_a_pending_policy_that_is_gone_is_told(
    make_trainer: Callable[..., Trainer],
    run_dir: RunDir,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    with pytest.raises(RuntimeError, match="stop here"):
        make_trainer(hooks_of(run_dir, Background(), Rows(fail_at=4)), epochs=6).train()
    (run_dir.checkpoints / "demo:v3.mpt").unlink()
    rows = Rows()
    make_trainer(hooks_of(run_dir, Background(), rows), epochs=6).train()
    assert "demo:v3.mpt is gone: its scores are missing" in caplog.text
    assert rows.told == {6: 6}
