"""All observability of a run: gathers numbers from its parts and hands rows to the sinks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from metta.rl.hooks.base import TrainerHook, is_last_epoch
from metta.rl.monitor.metrics_config import MetricsConfig
from metta.rl.monitor.part import MonitorPart
from metta.rl.monitor.registry import build_parts
from metta.rl.monitor.row_means import RowMeans
from metta.tracking.console import ConsoleLogger
from metta.tracking.logger import Logger

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


class MetricsHook(TrainerHook):
    """Turns epochs into two rows and hands them to the sinks.

    ``determined`` gets only what config and seed determine, so that equal runs write equal bytes; ``timing`` gets what
    the machine adds (times, speed, memory); ``console`` and ``others`` get both. Rows come every ``config.interval``
    epochs and in the last one; the console is told each epoch.

    What is watched is the affair of ``parts`` (metta/rl/monitor/), by default those that ``config`` asks for.
    """

    name = "metrics"
    ranks = "master"

    def __init__(
        self,
        determined: Logger,
        timing: Logger,
        console: ConsoleLogger,
        others: Sequence[Logger] = (),
        config: MetricsConfig | None = None,
        parts: Sequence[MonitorPart] | None = None,
    ) -> None:
        self.config = MetricsConfig() if config is None else config
        self.determined = determined
        self.timing = timing
        self.console = console
        self.others = tuple(others)
        self.parts = tuple(build_parts(self.config) if parts is None else parts)
        self._restored: Mapping[str, Any] = {}
        self._row, self._times = RowMeans(), RowMeans()

    def on_training_start(self, ctx: TrainerContext) -> None:
        """Cut the logs at what the restored state knows: at zero for a run that starts anew."""
        self.determined.restore(self._restored.get("determined", {}))
        self.timing.restore(self._restored.get("timing", {}))
        for sink in self.others:
            sink.restore({"agent_step": ctx.state.agent_step})
        self.console.start(ctx.state.agent_step, ctx.state.epoch)
        self.console.phase("collecting")
        for part in self.parts:
            part.start(ctx)

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.console.phase("learning")

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        row, times = {**stats.metrics, **evaluation_metrics(ctx)}, dict[str, float]()
        for part in self.parts:
            row |= part.determined(ctx, stats)
            times |= part.measured(ctx, stats)
        self.console.log({"epoch": ctx.state.epoch, **row, **times}, ctx.state.agent_step)
        self._row.add(row)
        self._times.add(times)
        if ctx.state.epoch % self.config.interval == 0 or is_last_epoch(ctx):
            self._tell(ctx)
        self.console.phase("collecting")

    def on_training_end(self, ctx: TrainerContext) -> None:
        self._close()

    def on_failure(self, ctx: TrainerContext, error: BaseException) -> None:
        self._close()

    def state_dict(self) -> dict[str, Any]:
        return {
            "determined": self.determined.state(),
            "timing": self.timing.state(),
            "row": self._row.state_dict(),
            "times": self._times.state_dict(),
            "parts": {part.name: part.state_dict() for part in self.parts},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """States of earlier versions have no ``row``, ``times`` and ``parts``: nothing was waiting."""
        self._restored = dict(state)
        self._row.load_state_dict(state.get("row", {}))
        self._times.load_state_dict(state.get("times", {}))
        for part in self.parts:
            part.load_state_dict(state.get("parts", {}).get(part.name, {}))

    def _tell(self, ctx: TrainerContext) -> None:
        epoch, step = ctx.state.epoch, ctx.state.agent_step
        row = {"epoch": epoch, "env_step": ctx.state.env_step, **self._row.take()}
        times = self._times.take()
        self.determined.log(row, step)
        self.timing.log({"epoch": epoch, **times}, step)
        for sink in self.others:
            sink.log({**row, **times, "metric/agent_step": step, "metric/epoch": epoch}, step)

    def _close(self) -> None:
        """All of them, whatever one of them raises: the first fault is raised when the others are closed."""
        closing: list[Callable[[], None]] = [part.close for part in self.parts]
        closing += [sink.close for sink in (self.console, self.determined, self.timing, *self.others)]
        faults: list[Exception] = []
        for close in closing:
            try:
                close()
            except Exception as fault:  # noqa: BLE001 - raised below
                faults.append(fault)
        if faults:
            raise faults[0]


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
