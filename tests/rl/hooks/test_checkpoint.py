from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from metta.checkpoint.artifact import load_artifact
from metta.checkpoint.config import CheckpointerConfig
from metta.checkpoint.manager import CheckpointManager
from metta.common.errors import CheckpointError
from metta.common.run_dir import RunDir
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook
from metta.rl.hooks.checkpoint import CheckpointHook
from metta.rl.shared_state import EvaluationScores, PendingEvaluation
from metta.rl.trainer import Trainer


class Scores(TrainerHook):
    """Stands where EvaluationHook stands: epoch n scores ``scores[n]``."""

    name = "evaluation"

    def __init__(self, scores: dict[int, float]) -> None:
        self.scores = scores

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        if ctx.state.epoch in self.scores:
            epoch = ctx.state.epoch
            ctx.shared.tell_scores(EvaluationScores(epoch, "", self.scores[epoch], {}, in_force=epoch))


def hook_of(run_dir: RunDir, *, also_every: int = 0, **config: int) -> CheckpointHook:
    return CheckpointHook(CheckpointManager(run_dir), CheckpointerConfig.model_validate(config), also_every)


@pytest.mark.parametrize(
    ("interval", "also_every", "saved"), [(2, 0, [2, 4, 5]), (10, 0, [5]), (4, 3, [3, 4, 5]), (1, 0, [1, 2, 3, 4, 5])]
)
def test_policies_are_saved_at_intervals_and_at_the_end(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, interval: int, also_every: int, saved: list[int]
) -> None:
    hook = hook_of(run_dir, epoch_interval=interval, keep_last=9, also_every=also_every)
    trainer = make_trainer([hook], epochs=5)
    trainer.train()
    assert hook.manager.epochs() == saved
    assert trainer.context.shared.latest_policy_uri == hook.manager.latest()
    _, meta = load_artifact(hook.manager.path_of(5))
    assert (meta.epoch, meta.agent_step) == (5, 320)


def test_the_best_policies_stay_even_after_a_resume(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    scores = Scores({1: 1.0, 2: 5.0, 3: 2.0, 4: 3.0, 5: 0.0, 6: 4.0})
    make_trainer([hook_of(run_dir, epoch_interval=1, keep_last=1, keep_best=2), scores], epochs=3).train()
    hook = hook_of(run_dir, epoch_interval=1, keep_last=1, keep_best=2)
    make_trainer([hook, scores], epochs=6).train()
    assert hook.manager.epochs() == [2, 6], "the score of the last epoch counts too"


def test_scores_of_earlier_versions_states_still_count(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    """They stood in the hook's own state."""
    make_trainer([hook_of(run_dir, epoch_interval=1, keep_last=9)], epochs=3).train()
    hook = hook_of(run_dir, epoch_interval=1, keep_last=1, keep_best=1)
    trainer = make_trainer([hook], epochs=5)
    hook.load_state_dict({"scores": {"1": 0.5, "2": 4.0}})
    trainer.train()
    assert hook.manager.epochs() == [2, 5]
    assert trainer.context.shared.scores_by_epoch == {1: 0.5, 2: 4.0}


def test_a_policy_that_is_still_evaluated_is_kept(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    """Also for one interval longer: a run that is killed then goes back to a state that waits for it."""
    seen: dict[int, list[int]] = {}

    class Waiting(TrainerHook):
        name = "evaluation"

        def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
            epoch = ctx.state.epoch
            ctx.shared.pending_evaluations = (PendingEvaluation(2, due=4),) if 2 <= epoch < 4 else ()
            seen[epoch] = hook.manager.epochs()

    hook = hook_of(run_dir, epoch_interval=2, also_every=1, keep_last=1, keep_best=0)
    make_trainer([hook, Waiting()], epochs=8).train()
    assert seen == {1: [1], 2: [2], 3: [2, 3], 4: [2, 4], 5: [2, 5], 6: [2, 6], 7: [7], 8: [8]}
    assert hook.manager.epochs() == [8]


def test_policies_that_a_killed_run_left_behind_do_not_push_out_newer_ones(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    """The run goes back to epoch 3 while v4 is on disk: v4 is not a reason to delete v3."""
    make_trainer([hook_of(run_dir, epoch_interval=1, keep_last=9)], epochs=2).train()
    hook = hook_of(run_dir, epoch_interval=1, keep_last=1, keep_best=0)
    shutil.copy(hook.manager.path_of(2), hook.manager.path_of(4))
    seen: list[list[int]] = []

    class Looking(TrainerHook):
        def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
            seen.append(hook.manager.epochs())

    make_trainer([hook, Looking()], epochs=4).train()
    assert seen == [[3, 4], [4]]


def test_the_latest_uri_follows_a_run_that_was_moved(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, tmp_path: Path
) -> None:
    make_trainer([hook_of(run_dir, epoch_interval=1)], epochs=1).train()
    moved = RunDir.at(tmp_path / "elsewhere", "demo")
    shutil.copytree(run_dir.root, moved.root)
    hook = hook_of(moved, epoch_interval=100)
    trainer = make_trainer([hook], epochs=1)
    hook.on_training_start(trainer.context)
    assert trainer.context.shared.latest_policy_uri == f"file://{moved.checkpoints}/demo:v1.mpt"


def test_leftovers_of_a_killed_save_are_removed(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    leftover = run_dir.checkpoints / ".partial-x-demo:v1.mpt"
    leftover.write_bytes(b"half")
    make_trainer([hook_of(run_dir)], epochs=1).train()
    assert not leftover.exists()


def test_failed_saves_are_retried_at_the_next_interval(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, monkeypatch: pytest.MonkeyPatch
) -> None:
    hook = hook_of(run_dir, epoch_interval=1)
    save, tries = hook.manager.save_policy, []

    def flaky(policy: object, epoch: int, agent_step: int) -> str:
        tries.append(epoch)
        if epoch in (1, 2):
            raise CheckpointError("no space left")
        return save(policy, epoch, agent_step)  # pyright: ignore[reportArgumentType]

    monkeypatch.setattr(hook.manager, "save_policy", flaky)
    make_trainer([hook], epochs=4).train()
    assert tries == [1, 2, 3, 4]
    assert hook.manager.epochs() == [3, 4]


@pytest.mark.parametrize("interval", [1, 100])
def test_saves_that_keep_failing_stop_the_run(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, monkeypatch: pytest.MonkeyPatch, interval: int
) -> None:
    """The third in a row; and the policy of the last epoch is never given up quietly."""
    hook = hook_of(run_dir, epoch_interval=interval)

    def refuse(*_: object) -> str:
        raise CheckpointError("no space left")

    monkeypatch.setattr(hook.manager, "save_policy", refuse)
    trainer = make_trainer([hook], epochs=4)
    with pytest.raises(CheckpointError, match="no space left"):
        trainer.train()
    assert trainer.state.epoch == (3 if interval == 1 else 4)


class Copies:
    """A second place for policies that remembers what happened."""

    def __init__(self, interval: int) -> None:
        self.interval = interval
        self.events: list[str] = []

    def start(self) -> None:
        self.events.append("start")

    def add(self, path: Path, epoch: int, agent_step: int) -> None:
        assert path.exists()
        assert agent_step == 64 * epoch
        self.events.append(path.name)

    def close(self, *, failed: bool, stop: Callable[[], bool]) -> None:
        assert not stop()
        self.events.append("failed" if failed else "closed")


@pytest.mark.parametrize(("interval", "epochs"), [(0, [2, 4, 5]), (3, [3, 5]), (1, [1, 2, 3, 4, 5])])
def test_copies_get_their_policies_and_the_last_one(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, interval: int, epochs: list[int]
) -> None:
    copies = Copies(interval)
    config = CheckpointerConfig(epoch_interval=2, keep_last=1)
    make_trainer([CheckpointHook(CheckpointManager(run_dir), config, 0, [copies])], epochs=5).train()
    assert copies.events == ["start", *(f"demo:v{epoch}.mpt" for epoch in epochs), "closed"]


def test_a_failure_closes_the_copies_once(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    class Failing(TrainerHook):
        def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
            raise RuntimeError("stop here")

    copies = Copies(0)
    hook = CheckpointHook(CheckpointManager(run_dir), CheckpointerConfig(epoch_interval=1), 0, [copies])
    with pytest.raises(RuntimeError, match="stop here"):
        make_trainer([hook, Failing()]).train()
    assert copies.events == ["start", "demo:v1.mpt", "failed"]
