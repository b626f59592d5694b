from __future__ import annotations

from collections.abc import Callable

import pytest

from metta.checkpoint.config import CheckpointerConfig
from metta.checkpoint.manager import CheckpointManager
from metta.common.errors import CheckpointError, InterruptedBySignal
from metta.common.run_dir import RunDir
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
