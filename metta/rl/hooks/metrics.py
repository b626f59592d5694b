"""All observability of a run: rows to disk, the console, wandb."""

from __future__ import annotations

import resource
import sys
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metta.rl.hooks.base import TrainerHook
from metta.tracking.console import ConsoleLogger
from metta.tracking.logger import Logger

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


class MetricsHook(TrainerHook):
    """Turns each epoch into two rows and hands them to the sinks.

    ``determined`` gets only what config and seed determine, so that equal runs write equal bytes; ``timing`` gets what
    the machine adds (times, speed, memory); ``console`` and ``others`` get both.
    """

    name = "metrics"
    ranks = "master"

    def __init__(
        self, determined: Logger, timing: Logger, console: ConsoleLogger, others: Sequence[Logger] = ()
    ) -> None:
        self.determined = determined
        self.timing = timing
        self.console = console
        self.others = tuple(others)
        self._restored: Mapping[str, Any] = {}
        self._epoch_began = time.perf_counter()

    def on_training_start(self, ctx: TrainerContext) -> None:
        """Cut the logs at what the restored state knows: at zero for a run that starts anew."""
        self.determined.restore(self._restored.get("determined", {}))
        self.timing.restore(self._restored.get("timing", {}))
        self.console.start(ctx.state.agent_step, ctx.state.epoch)
        self.console.phase("collecting")
        self._epoch_began = time.perf_counter()

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.console.phase("learning")

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        now = time.perf_counter()
        total, self._epoch_began = now - self._epoch_began, now
        counters = {"epoch": ctx.state.epoch, "env_step": ctx.state.env_step}
        row = {**counters, **stats.metrics, **evaluation_metrics(ctx)}
        timing = {"epoch": ctx.state.epoch, **timing_metrics(stats, total)}
        step = ctx.state.agent_step
        self.determined.log(row, step)
        self.timing.log(timing, step)
        for sink in (self.console, *self.others):
            sink.log({**row, **timing}, step)
        self.console.phase("collecting")

    def on_training_end(self, ctx: TrainerContext) -> None:
        self._close()

    def on_failure(self, ctx: TrainerContext, error: BaseException) -> None:
        self._close()

    def state_dict(self) -> dict[str, Any]:
        return {"determined": self.determined.state(), "timing": self.timing.state()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._restored = dict(state)

    def _close(self) -> None:
        for sink in (self.console, self.determined, self.timing, *self.others):
            sink.close()


def evaluation_metrics(ctx: TrainerContext) -> dict[str, float]:
    """``evaluator/<suite>/<name>/<metric>`` and the mean ``evaluator/reward``, in the epoch in which they take effect.

    ``evaluator/epoch`` is the epoch of the policy that was evaluated.
    """
    evaluated = ctx.shared.evaluation_scores
    if evaluated is None or evaluated.in_force != ctx.state.epoch:
        return {}
    metrics = {"evaluator/epoch": float(evaluated.epoch), "evaluator/reward": evaluated.score}
    for simulation, scores in sorted(evaluated.scores.items()):
        metrics |= {f"evaluator/{simulation}/{name}": float(score) for name, score in sorted(scores.items())}
    return metrics


def timing_metrics(stats: UpdateStats, total: float) -> dict[str, float]:
    """Units: ``timing/*`` seconds of this epoch (``total``: since the end of the one before), ``memory/*`` bytes."""
    parts = {f"timing/{name}": seconds for name, seconds in stats.seconds.items()}
    spent = sum(seconds for name, seconds in stats.seconds.items() if "." not in name)
    return {
        "overview/sps": stats.rollout.agent_steps / total if total > 0 else 0.0,
        **parts,
        "timing/hooks": max(total - spent, 0.0),
        "timing/total": total,
        "memory/rss_bytes": float(_peak_memory()),
    }


def _peak_memory() -> int:
    """Largest resident size of this process so far, in bytes."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
