"""The epoch loop: hooks in order, failures that save and propagate, states that continue to the same bytes."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.errors import CheckpointError, ConfigError, InterruptedBySignal, NotANumberError
from metta.common.run_dir import RunDir
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook
from metta.rl.signals import StopFlag
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig
from metta.rl.world import World


class Recorder(TrainerHook):
    """Notes every call, and the policy's weights at each epoch's end; does ``act`` at ``(event, epoch)``."""

    name = "recorder"

    def __init__(self, log: list[str] | None = None, label: str = "", act: Any = None) -> None:
        self.log = [] if log is None else log
        self.label, self.act, self.epochs = label, act, 0
        self.stats: list[UpdateStats] = []
        self.error: BaseException | None = None

    def _note(self, event: str, ctx: TrainerContext) -> None:
        self.log.append(f"{self.label}{event} {ctx.state.epoch}")
        if self.act is not None:
            self.act(event, ctx)

    def on_training_start(self, ctx: TrainerContext) -> None:
        self._note("start", ctx)

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self._note("rollout", ctx)

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.epochs += 1
        self.stats.append(stats)
        ctx.shared.scores_by_epoch[self.epochs] = 0.5
        self._note("epoch", ctx)

    def on_training_end(self, ctx: TrainerContext) -> None:
        self._note("end", ctx)

    def on_failure(self, ctx: TrainerContext, error: BaseException) -> None:
        self.error = error
        self._note("failure", ctx)

    def state_dict(self) -> dict[str, Any]:
        return {"epochs": self.epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self.epochs = state["epochs"]


class MasterOnly(Recorder):
    ranks = "master"


class EveryRank(Recorder):
    ranks = "all"


@pytest.fixture
def make(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Callable[..., Trainer]:
    def make(
        hooks: tuple[TrainerHook, ...] = (),
        changes: dict[str, Any] | None = None,
        seed: int = 3,
        store: bool = False,
        **more: Any,
    ) -> Trainer:
        env = corridor(4)
        policy = build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=seed)
        run_dir = RunDir.at(tmp_path, "test").create()
        more["state_store"] = TrainerStateStore(run_dir) if store else None
        return Trainer(small.replace(changes or {}), env, policy, run_dir, hooks, seed=seed, **more)

    return make


def state_of(trainer: Trainer) -> dict[str, Tensor]:
    return {name: torch.as_tensor(value) for name, value in trainer.state_dict().tensors.items()}


def assert_same_state(one: Trainer, two: Trainer) -> None:
    left, right = state_of(one), state_of(two)
    assert left.keys() == right.keys()
    assert not [name for name in left if not torch.equal(left[name], right[name])]
    assert one.state_dict().data == two.state_dict().data


def test_hooks_run_in_order(make: Callable[..., Trainer]) -> None:
    log: list[str] = []
    make((Recorder(log, "a "), Recorder(log, "b ")), {"total_timesteps": 65}).train()
    once = ["start 0", "rollout 0", "epoch 1", "rollout 1", "epoch 2", "end 2"]
    assert log == [f"{label} {line}" for line in once for label in "ab"]


def test_counters_and_stats(make: Callable[..., Trainer]) -> None:
    hook = Recorder()
    trainer = make((hook,))
    trainer.train()
    assert (trainer.state.epoch, trainer.state.agent_step, trainer.state.env_step) == (4, 256, 256)
    assert trainer.finished
    stats = hook.stats[0]
    assert {"losses/policy_loss", "losses/value_loss", "losses/explained_variance"} <= set(stats.metrics)
    assert {"experience/rewards", "overview/reward", "hyperparameters/learning_rate"} <= set(stats.metrics)
    assert list(stats.metrics) == sorted(stats.metrics)
    assert {"rollout", "rollout.env", "rollout.inference", "advantage", "update"} <= set(stats.seconds)


def test_learning_rate_follows_its_schedule(make: Callable[..., Trainer]) -> None:
    hook = Recorder()
    make((hook,), {"optimizer.learning_rate": 0.4}).train()
    rates = [stats.metrics["hyperparameters/learning_rate"] for stats in hook.stats]
    assert rates == pytest.approx([0.4, 0.3, 0.2, 0.1])


def test_two_runs_are_equal_bit_for_bit(make: Callable[..., Trainer]) -> None:
    hooks = Recorder(), Recorder()
    one, two = make((hooks[0],)), make((hooks[1],))
    one.train()
    two.train()
    assert_same_state(one, two)
    assert [s.metrics for s in hooks[0].stats] == [s.metrics for s in hooks[1].stats]
    other = make(seed=4)
    other.train()
    assert not torch.equal(one.experience.buffer["values"], other.experience.buffer["values"])


def test_resumed_equals_uninterrupted(make: Callable[..., Trainer]) -> None:
    """Two epochs, saved to disk, loaded by a new trainer, two more: the bytes of four epochs in one go."""
    whole = make((Recorder(),))
    whole.train()
    first = make((Recorder(),), store=True)
    first.train_epoch()
    first.train_epoch()
    second = make((Recorder(),), store=True)
    assert second.state_store is not None
    snapshot = second.state_store.load_newest()
    assert snapshot is not None
    second.load_state(snapshot)
    assert_same_state(first, second)
    second.train()
    assert_same_state(whole, second)
    assert second.context.shared.scores_by_epoch == dict.fromkeys((1, 2, 3, 4), 0.5)


def test_a_snapshot_is_a_copy(make: Callable[..., Trainer]) -> None:
    trainer = make()
    trainer.train_epoch()
    snapshot = trainer.state_dict()
    before = {name: torch.as_tensor(value).clone() for name, value in snapshot.tensors.items()}
    trainer.train_epoch()
    assert all(torch.equal(before[name], torch.as_tensor(value)) for name, value in snapshot.tensors.items())


@pytest.mark.parametrize("event", ["rollout", "epoch"])
def test_a_signal_keeps_the_start_of_the_epoch(make: Callable[..., Trainer], event: str) -> None:
    """Whatever the moment, the next start reaches the bytes of an undisturbed run."""
    whole = make((Recorder(),))
    whole.train()
    stop, hook = StopFlag(), Recorder()

    def interrupt(happened: str, ctx: TrainerContext) -> None:
        if happened == event and ctx.state.epoch == 2:
            stop.set(15)

    hook.act = interrupt
    with pytest.raises(InterruptedBySignal, match="by SIGTERM at epoch 2, agent step 128") as caught:
        make((hook,), store=True, stop=stop, commit_interval=100).train()
    assert caught.value.exit_code == 143
    assert hook.error is caught.value
    again = make((Recorder(),), store=True)
    assert again.state_store is not None
    snapshot = again.state_store.load_newest()
    assert snapshot is not None
    assert snapshot.epoch == 2
    again.load_state(snapshot)
    again.train()
    assert_same_state(whole, again)


def test_a_failing_hook_stops_the_run_after_saving(make: Callable[..., Trainer]) -> None:
    def fail(event: str, ctx: TrainerContext) -> None:
        if event == "epoch" and ctx.state.epoch == 2:
            raise OSError("disk on fire")

    first, failing, last = Recorder(label="first "), Recorder(act=fail), Recorder()
    trainer = make((first, failing, last), store=True, commit_interval=100)
    with pytest.raises(OSError, match="disk on fire") as caught:
        trainer.train()
    assert caught.value.__notes__ == ["raised by Recorder.on_epoch_end at epoch 2"]
    assert first.error is failing.error is last.error is caught.value
    assert last.epochs == 1, "hooks after the failing one are not called"
    assert trainer.state_store is not None
    assert trainer.state_store.newest_epoch() == 1


def test_a_failing_failure_handler_hides_nothing(make: Callable[..., Trainer]) -> None:
    def fail(event: str, ctx: TrainerContext) -> None:
        if event in ("epoch", "failure"):
            raise ValueError(event)

    last = Recorder()
    with pytest.raises(ValueError, match="epoch"):
        make((Recorder(act=fail), last)).train()
    assert last.error is not None


def test_not_a_number_leaves_a_diagnosis(make: Callable[..., Trainer]) -> None:
    trainer = make(store=True, changes={"optimizer.learning_rate": 1e38, "optimizer.schedule": "constant"})
    with pytest.raises(NotANumberError, match="epoch 0"):
        trainer.train()
    diagnosis = json.loads((trainer.run_dir.root / "nan_diagnosis.json").read_text())
    assert diagnosis["epoch"] == 0
    assert "became NaN" in diagnosis["error"]


def test_states_are_written_at_the_interval_and_at_the_end(
    make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    saved: list[int] = []
    trainer = make(store=True, commit_interval=3)
    assert trainer.state_store is not None
    save = trainer.state_store.save

    def spy(snapshot: TrainerSnapshot, epoch: int | None = None) -> Path:
        saved.append(snapshot.epoch)
        return save(snapshot, epoch)

    monkeypatch.setattr(trainer.state_store, "save", spy)
    trainer.train()
    assert saved == [3, 4]


@pytest.mark.parametrize(("saves", "told"), [(0, "none was saved before"), (1, "goes on from epoch 1")])
def test_a_signal_ends_the_run_even_when_nothing_can_be_saved(
    make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch, saves: int, told: str
) -> None:
    stop = StopFlag()
    trainer = make(store=True, stop=stop)
    assert trainer.state_store is not None
    save = trainer.state_store.save

    def fill_up(snapshot: TrainerSnapshot, epoch: int | None = None) -> Path:
        if snapshot.epoch <= saves:
            return save(snapshot, epoch)
        stop.set(15)
        raise CheckpointError("no space left")

    monkeypatch.setattr(trainer.state_store, "save", fill_up)
    with pytest.raises(InterruptedBySignal, match=f"could NOT be saved.*{told}.*no space left") as caught:
        trainer.train()
    assert caught.value.exit_code == 143


def test_the_third_failed_save_in_a_row_stops_the_run(
    make: Callable[..., Trainer], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any) -> Path:
        raise CheckpointError("no space left")

    trainer = make(store=True)
    assert trainer.state_store is not None
    monkeypatch.setattr(trainer.state_store, "save", refuse)
    with pytest.raises(CheckpointError, match=r"3 times in a row.*no space left"):
        trainer.train()
    assert trainer.state.epoch == 3


def test_hooks_of_the_master_are_left_out_on_other_ranks(make: Callable[..., Trainer]) -> None:
    master, every = MasterOnly(), EveryRank()
    other = World()
    other.rank = 1
    make((master, every), world=other).train()
    assert master.log == []
    assert every.epochs == 4


def test_foreign_states_are_refused(make: Callable[..., Trainer], corridor: Callable[..., Any], small: Any) -> None:
    trainer = make()
    trainer.train_epoch()
    wider = build_policy(MlpConfig(hidden_sizes=(9,)), trainer.env.spec, seed=0)
    other = Trainer(small, corridor(4), wider, trainer.run_dir)
    with pytest.raises(CheckpointError, match="Was policy_architecture changed"):
        other.load_state(trainer.state_dict())


def test_a_batch_that_does_not_fit_the_environment_is_refused(make: Callable[..., Trainer]) -> None:
    with pytest.raises(ConfigError, match="4 agents need one each"):
        make(changes={"batch_size": 16})


def test_the_corridor_is_learned(make: Callable[..., Trainer]) -> None:
    """From a random walk to walking right: the return rises to nearly 1 within 80 epochs."""
    hook = Recorder()
    changes = {"total_timesteps": 5_120, "optimizer.learning_rate": 1e-2}
    make((hook,), changes).train()
    early = [s.metrics["overview/reward"] for s in hook.stats[:20] if s.rollout.num_episodes]
    late = [s.metrics["overview/reward"] for s in hook.stats[-20:] if s.rollout.num_episodes]
    assert early[0] < 0.8
    assert sum(late) / len(late) > 0.95
