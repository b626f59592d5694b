from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from metta.common.run_dir import RunDir
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook
from metta.rl.hooks.metrics import MetricsHook
from metta.rl.shared_state import EvaluationScores
from metta.rl.trainer import Trainer
from metta.tracking.jsonl import JsonlLogger, read_jsonl
from metta.tracking.logger import NullLogger


class Memo(NullLogger):
    """Keeps rows and everything else that happened, in order."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.events: list[str] = []

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        self.rows.append(dict(metrics))

    def start(self, step: int, epoch: int = 0) -> None:
        self.events.append(f"start {step} {epoch}")

    def phase(self, name: str) -> None:
        self.events.append(name)

    def close(self) -> None:
        self.events.append("close")


class Evaluated(TrainerHook):
    name = "evaluation"

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        if ctx.state.epoch == 2:
            scores = {"corridor/a": {"reward": 1.0, "length": 9.0}}
            ctx.shared.tell_scores(EvaluationScores(2, "uri", 1.0, scores, in_force=2))


class Failing(TrainerHook):
    name = "failing"

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        if ctx.state.epoch == self.epoch:
            raise RuntimeError("stop here")


def hook_of(run_dir: RunDir, console: Memo, *others: Memo) -> MetricsHook:
    return MetricsHook(JsonlLogger(run_dir.metrics_path), JsonlLogger(run_dir.timing_path), console, others)


def test_determined_numbers_and_times_are_kept_apart(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    console, wandb = Memo(), Memo()
    make_trainer([Evaluated(), hook_of(run_dir, console, wandb)], epochs=3).train()
    rows, times = read_jsonl(run_dir.metrics_path), read_jsonl(run_dir.timing_path)
    assert [(row["epoch"], row["agent_step"], row["env_step"]) for row in rows] == [
        (n, 64 * n, 64 * n) for n in (1, 2, 3)
    ]
    assert {"losses/policy_loss", "overview/reward", "hyperparameters/learning_rate"} <= rows[0].keys()
    families = ("timing_per_epoch/msec/rollout", "timing_cumulative/update", "timing_per_epoch/frac/hooks")
    assert {*families, "overview/sps", "trainer_memory/rss", "monitor/cpu_percent"} <= times[0].keys()
    assert rows[0].keys() & times[0].keys() == {"epoch", "agent_step"}
    assert wandb.rows[0].keys() - console.rows[0].keys() == {"env_step", "metric/agent_step", "metric/epoch"}
    assert console.rows[0].keys() == (rows[0].keys() | times[0].keys()) - {"agent_step", "env_step"}
    assert console.events == ["start 0 0", "collecting", *["learning", "collecting"] * 3, "close"]


def test_scores_stand_in_the_row_of_the_epoch_that_was_evaluated(
    make_trainer: Callable[..., Trainer], run_dir: RunDir
) -> None:
    make_trainer([Evaluated(), hook_of(run_dir, Memo())], epochs=3).train()
    rows = read_jsonl(run_dir.metrics_path)
    assert rows[1]["evaluator/corridor/a/length"] == 9.0
    assert rows[1]["evaluator/reward"] == 1.0
    assert not any(key.startswith("evaluator/") for key in {*rows[0], *rows[2]})


@pytest.mark.parametrize("failing_first", [False, True])
def test_a_run_that_broke_off_ends_with_the_rows_of_an_undisturbed_one(
    make_trainer: Callable[..., Trainer], run_dir: RunDir, failing_first: bool
) -> None:
    """Whether the epoch's row was written already or not when the run broke off."""
    make_trainer([hook_of(run_dir, Memo())], epochs=4).train()
    expected = run_dir.metrics_path.read_bytes()
    for path in (*run_dir.trainer_state.glob("v*/*"), run_dir.metrics_path):
        path.unlink()
    console = Memo()
    hooks: list[Any] = [hook_of(run_dir, console), Failing(3)]
    with pytest.raises(RuntimeError, match="stop here"):
        make_trainer(hooks[::-1] if failing_first else hooks, epochs=4).train()
    assert console.events[-1] == "close"
    make_trainer([hook_of(run_dir, Memo())], epochs=4).train()
    assert run_dir.metrics_path.read_bytes() == expected


def test_a_run_that_starts_anew_drops_old_rows(make_trainer: Callable[..., Trainer], run_dir: RunDir) -> None:
    run_dir.metrics_path.write_text('{"epoch":99}\n')
    make_trainer([hook_of(run_dir, Memo())], epochs=1).train()
    assert [row["epoch"] for row in read_jsonl(run_dir.metrics_path)] == [1]
