"""Where the time goes: of each epoch, and of the whole run over all its starts."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


class RunTimes(MonitorPart):
    """Speed and times. Those of the whole run are part of its state: they count the epochs that were committed, so a
    run that was killed and goes on shows the speed at which its committed work was done.

    ================================================  ======================================================
    ``overview/sps``, ``timing_per_epoch/sps``        agent-steps per second of this epoch, all included
    ``overview/epoch_steps_per_second``               the same without what hooks and commit took
    ``overview/steps_per_second``                     agent-steps of the run / ``metric/total_time``
    ``timing_per_epoch/msec/<op>``, ``.../frac/<op>`` milliseconds and share of this epoch
    ``timing_cumulative/<op>``                        seconds since the run's beginning
    ``metric/total_time``, ``metric/train_time``      seconds since then, without and with hooks left out
    ``overview/reward_vs_total_time``                 the reward, for a chart over ``metric/total_time``
    ================================================  ======================================================

    Operations with a dot are parts of another: ``rollout.env`` is in ``rollout``. ``hooks`` is all that is left over.
    """

    name = "run_times"

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._began = clock()
        self._steps = 0
        self._totals: dict[str, float] = {}
        """Seconds by operation, ``total`` included."""

    def start(self, ctx: TrainerContext) -> None:
        if not self._totals:  # a new run, or one from before times were saved: measure what follows
            self._steps = ctx.state.agent_step
        self._began = self._clock()

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        now = self._clock()
        total, self._began = max(now - self._began, 1e-9), now
        train = sum(seconds for name, seconds in stats.seconds.items() if "." not in name)
        spent = {**stats.seconds, "hooks": max(total - train, 0.0), "total": total}
        for name, seconds in spent.items():
            self._totals[name] = self._totals.get(name, 0.0) + seconds
        run_time = self._totals["total"]
        sps = stats.rollout.agent_steps / total
        metrics = {
            "overview/sps": sps,
            "overview/epoch_steps_per_second": stats.rollout.agent_steps / max(train, 1e-9),
            "overview/steps_per_second": (ctx.state.agent_step - self._steps) / run_time,
            "metric/total_time": run_time,
            "metric/train_time": run_time - self._totals["hooks"],
            "timing_per_epoch/sps": sps,
        }
        if (reward := stats.rollout.episodes.get("overview/reward")) is not None:
            metrics["overview/reward_vs_total_time"] = reward
        for name, seconds in spent.items():
            metrics[f"timing_per_epoch/msec/{name}"] = 1000 * seconds
            if name != "total":
                metrics[f"timing_per_epoch/frac/{name}"] = seconds / total
        return metrics | {f"timing_cumulative/{name}": seconds for name, seconds in self._totals.items()}

    def state_dict(self) -> dict[str, Any]:
        return {"totals": dict(self._totals), "uncounted_steps": self._steps}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._totals = {name: float(seconds) for name, seconds in state.get("totals", {}).items()}
        self._steps = int(state.get("uncounted_steps", 0))
