"""metta/rl/trainer.py with several ranks: they learn as one, stop together, and go on from what they saved together."""

from __future__ import annotations

import hashlib
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from metta.agent.control.training_control import TrainingControl
from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.trainer_state import TrainerStateStore
from metta.common.run_dir import RunDir
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.control.commands import ControlBox
from metta.rl.control.relayed_box import RelayedBox
from metta.rl.distributed import Ranks
from metta.rl.hooks.base import TrainerHook
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig
from metta.rl.world import World
from tests.rl.ranks import run_ranks

Make = Callable[..., Trainer]


class At(TrainerHook):
    """Does ``act(ctx)`` on every rank at the end of ``epoch``."""

    name = "at"
    ranks = "all"

    def __init__(self, epoch: int, act: Callable[[TrainerContext], Any] | None) -> None:
        self.epoch, self.act = epoch, act
        self.rows: list[dict[str, float]] = []

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.rows.append(dict(stats.metrics))
        if ctx.state.epoch == self.epoch and self.act is not None:
            self.act(ctx)


class BadRollout(At):
    """A reward that is no number, where ``act`` is None."""

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        if self.act is None:
            ctx.experience.buffer["rewards"][0, 0] = float("nan")


class OfMaster(At):
    ranks = "master"


@pytest.fixture
def make(corridor: Callable[..., Any], small: TrainerConfig, tmp_path: Path) -> Make:
    def make(world: World, *hooks: TrainerHook, box: bool = False, **changes: Any) -> Trainer:
        run_dir = RunDir.at(tmp_path, "test").create()
        env = corridor(4)
        return Trainer(
            small.replace({"total_timesteps": 512, "check_weights_every": 1, **changes}),
            env,
            build_policy(MlpConfig(hidden_sizes=(8,)), env.spec, seed=3),
            run_dir,
            hooks,
            seed=3,
            state_store=TrainerStateStore(run_dir, world if world.size > 1 else None),
            commit_interval=2,
            world=world,
            control_box=RelayedBox(run_dir.control, world) if box else None,
        )

    return make


def digest(trainer: Trainer, prefix: str = "") -> str:
    tensors = trainer.state_dict().tensors
    parts = [torch.as_tensor(tensors[name]).numpy().tobytes() for name in sorted(tensors) if name.startswith(prefix)]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def ended(trainer: Trainer) -> str:
    """How the training ended."""
    try:
        trainer.train()
    except Exception as error:  # noqa: BLE001 - all are looked at
        return f"{type(error).__name__}: {error}"
    return "done"


def test_two_ranks_learn_as_one_and_the_same_way_each_time(make: Make) -> None:
    def work(world: Ranks) -> Any:
        seen = At(0, lambda ctx: None)
        trainer = make(world, seen, total_timesteps=128 * 30, **{"optimizer.learning_rate": 0.02})
        trainer.train()
        rewards = [row["overview/reward"] for row in seen.rows if "overview/reward" in row]
        state = trainer.state
        return (
            digest(trainer, "policy/"),
            seen.rows[-1],
            rewards,
            (state.epoch, state.agent_step, state.env_step),
            digest(trainer),
        )

    first, second = run_ranks(work)
    assert first[:4] == second[:4]
    assert first[4] != second[4]  # episodes and random streams are each rank's own
    assert first[3] == (30, 128 * 30, 128 * 30)
    assert sum(first[2][-5:]) > sum(first[2][:5]) + 1.0
    assert run_ranks(work) == [first, second]


def test_a_state_continues_exactly_and_with_another_number_of_ranks_anew(make: Make) -> None:
    def whole(world: Ranks) -> Any:
        trainer = make(world)
        trainer.train()
        return digest(trainer)

    def first_half(world: Ranks) -> Any:
        return ended(make(world, At(2, lambda ctx: ctx.stop.set(signal.SIGTERM)), total_timesteps=512))

    def go_on(world: Ranks) -> Any:
        trainer = make(world)
        trainer.load_state(load(trainer))
        began = trainer.state.epoch
        trainer.train()
        return began, trainer.state.agent_step, digest(trainer), digest(trainer, "policy/")

    undisturbed = run_ranks(whole)
    assert all(told.startswith("InterruptedBySignal") for told in run_ranks(first_half))
    resumed = run_ranks(go_on)
    assert len({of_rank[3] for of_rank in resumed}) == 1
    assert [of_rank[2] for of_rank in resumed] == undisturbed
    run_ranks(first_half)
    three = run_ranks(go_on, size=3)
    assert [of_rank[:2] for of_rank in three] == [(2, 640)] * 3
    assert len({of_rank[3] for of_rank in three}) == 1


def load(trainer: Trainer) -> Any:
    assert trainer.state_store is not None
    return trainer.state_store.load_newest()


def test_a_signal_on_one_rank_stops_all_of_them_and_saves(make: Make) -> None:
    def work(world: Ranks) -> Any:
        stop = At(1, lambda ctx: ctx.stop.set(signal.SIGTERM) if world.rank == 1 else None)
        trainer = make(world, stop)
        told = ended(trainer)
        return told, trainer.state_store.newest_epoch() if trainer.state_store else None

    for told, saved in run_ranks(work):
        assert told.startswith(
            "InterruptedBySignal: run=test by SIGTERM at epoch 1, agent step 128: its state is saved"
        )
        assert saved == 1


def test_an_error_on_one_rank_ends_all_of_them(make: Make) -> None:
    def bad_weight(ctx: TrainerContext) -> None:
        with torch.no_grad():
            next(iter(ctx.policy.parameters())).view(-1)[0] += 1e-3

    def fail(ctx: TrainerContext) -> None:
        raise OSError("the disk is gone")

    cases = {"nan": (BadRollout, None, 1), "hook": (OfMaster, fail, 0), "weights": (At, bad_weight, 1)}

    def work(world: Ranks) -> Any:
        told: dict[str, str] = {}
        for name, (kind, act, rank) in cases.items():
            trainer = make(world, kind(1, act if world.rank == rank else lambda ctx: None))
            told[name] = ended(trainer)
        return told

    first, second = run_ranks(work)
    for told in (first, second):
        assert told["nan"].startswith("NotANumberError: 1 of 64 numbers in the rollout's 'rewards' (rank 1) became NaN")
        assert told["weights"].startswith(
            "RanksDifferError: the ranks hold different weights; the first that differs is"
        )
    assert first["hook"] == "OSError: the disk is gone"
    assert second["hook"] == "PeerFailedError: rank 0 stopped: OSError: the disk is gone"


def test_commands_reach_all_ranks(make: Make, tmp_path: Path) -> None:
    outside = ControlBox(tmp_path / "test" / "control")

    def work(world: Ranks) -> Any:
        names = list(make(world).policy.component_parameters())
        frozen = TrainingControl(frozen_components=(names[0],))
        send = OfMaster(1, lambda ctx: (outside.send("checkpoint", frozen), outside.send("stop", None)))
        trainer = make(world, send, box=True)
        told = ended(trainer)
        return told, trainer.policy.network.controller.is_frozen(names[0]), digest(trainer, "policy/")

    first, second = run_ranks(work)
    assert first == second
    assert first[0].startswith("InterruptedBySignal: run=test by the command stop at epoch 1")
    assert first[1]
