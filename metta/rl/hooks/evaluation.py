"""Has the policy just saved played outside of training, and tells the scores."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from metta.common.log import get_logger
from metta.common.uri import artifact_name, to_uri
from metta.rl.context import check_stop
from metta.rl.hooks.base import TrainerHook, is_last_epoch
from metta.rl.shared_state import EvaluationScores, PendingEvaluation

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats

Scores = Mapping[str, Mapping[str, float]]
"""``{"suite/name": {metric: mean}}``."""

_log = get_logger(__name__)


class Evaluate(Protocol):
    """Plays simulations; made by ``tools/train.py``, because training knows no simulations."""

    def __call__(self, uri: str, seed: int, tick: Callable[[], None]) -> Scores:
        """Score the policy at ``uri``. ``tick`` is called now and then and may raise to stop."""
        ...


class RunningEvaluation(Protocol):
    """An evaluation under way elsewhere, with the scores that :class:`Evaluate` would give."""

    def result(self, tick: Callable[[], None]) -> Scores:
        """Wait for the scores. ``tick`` as for :class:`Evaluate`.

        Raises:
            MettaError: it failed; the message says why.
        """
        ...

    def cancel(self) -> None:
        """End it, if it has not ended yet."""
        ...


class EvaluationHook(TrainerHook):
    """Evaluate every ``epoch_interval`` epochs (0: never), and at the end of a run that is longer than one interval.

    Always from the same ``seed``, so that scores compare. Without ``start`` training waits for the scores. With it they
    are made elsewhere and take effect ``result_after`` epochs later (at most one interval), which is waited for if need
    be: when they come in may depend on the machine, what they change may not. The last epoch waits for all.

    Tells the scores through ``ctx.shared``. It comes after CheckpointHook, which saves the policy of every epoch that
    is evaluated, and keeps those that are pending. A run that goes on starts pending evaluations again.
    """

    name = "evaluation"
    ranks = "master"

    def __init__(
        self,
        evaluate: Evaluate,
        epoch_interval: int,
        seed: int,
        announce: Callable[[str], None] = lambda phase: None,
        *,
        start: Callable[[str, int], RunningEvaluation] | None = None,
        result_after: int = 1,
    ) -> None:
        self.evaluate = evaluate
        self.epoch_interval = epoch_interval
        self.seed = seed
        self.announce = announce
        self.start = start
        self.result_after = min(result_after, epoch_interval)
        self._running: dict[int, RunningEvaluation] = {}

    def on_training_start(self, ctx: TrainerContext) -> None:
        for pending in ctx.shared.pending_evaluations:
            path = ctx.run_dir.checkpoints / artifact_name(ctx.run_dir.run, pending.epoch)
            if not path.is_file():
                _log.warning(
                    "epoch %d was being evaluated when the run ended, and %s is gone: its scores are missing.",
                    pending.epoch,
                    path,
                )
                self._forget(ctx, pending)
            elif self.start is not None:
                self._running[pending.epoch] = self.start(to_uri(path), self.seed)

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        epoch, last = ctx.state.epoch, is_last_epoch(ctx)
        for pending in ctx.shared.pending_evaluations:
            if pending.due <= epoch or last:
                self._take(ctx, pending)
        if self.epoch_interval and (epoch % self.epoch_interval == 0 or (last and epoch > self.epoch_interval)):
            self._evaluate(ctx, last=last)

    def on_training_end(self, ctx: TrainerContext) -> None:
        self._cancel()  # of a run that was ended early; they stay pending in its state

    def on_failure(self, ctx: TrainerContext, error: BaseException) -> None:
        self._cancel()

    def _evaluate(self, ctx: TrainerContext, *, last: bool) -> None:
        epoch, uri = ctx.state.epoch, ctx.shared.latest_policy_uri
        if uri is None or not uri.endswith(f":v{epoch}.mpt"):
            _log.warning("epoch %d is not evaluated: its policy could not be saved (latest: %s).", epoch, uri)
        elif self.start is None or last:
            self._tell(ctx, epoch, uri, self._play(ctx, uri))
        else:
            self._running[epoch] = self.start(uri, self.seed)
            due = epoch + self.result_after
            ctx.shared.pending_evaluations += (PendingEvaluation(epoch, due),)
            _log.info("epoch %d: evaluated in the background; its scores take effect in epoch %d", epoch, due)

    def _take(self, ctx: TrainerContext, pending: PendingEvaluation) -> None:
        """The scores of ``pending``, from its process or, when the run goes on without background, made here."""
        uri = to_uri(ctx.run_dir.checkpoints / artifact_name(ctx.run_dir.run, pending.epoch))
        running = self._running.get(pending.epoch)
        if running is None:
            scores = self._play(ctx, uri)
        else:
            self.announce("evaluating")
            scores = running.result(lambda: check_stop(ctx.stop))
            del self._running[pending.epoch]
        self._tell(ctx, pending.epoch, uri, scores)
        self._forget(ctx, pending)

    def _play(self, ctx: TrainerContext, uri: str) -> Scores:
        self.announce("evaluating")
        try:
            return self.evaluate(uri, self.seed, lambda: check_stop(ctx.stop))
        finally:
            gc.collect()  # a policy's parts know each other: left alone, megabytes would wait for the collector's turn

    def _tell(self, ctx: TrainerContext, epoch: int, uri: str, scores: Scores) -> None:
        rewards = [metrics["reward"] for metrics in scores.values() if "reward" in metrics]
        score = sum(rewards) / len(rewards) if rewards else 0.0
        told = {name: dict(metrics) for name, metrics in scores.items()}
        ctx.shared.tell_scores(EvaluationScores(epoch, uri, score, told, in_force=ctx.state.epoch))
        _log.info("epoch %d: evaluated, mean reward %.4g over %d simulations", epoch, score, len(scores))

    @staticmethod
    def _forget(ctx: TrainerContext, pending: PendingEvaluation) -> None:
        others = tuple(other for other in ctx.shared.pending_evaluations if other != pending)
        ctx.shared.pending_evaluations = others

    def _cancel(self) -> None:
        while self._running:
            self._running.popitem()[1].cancel()
