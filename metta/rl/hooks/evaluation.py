"""Plays the policy just saved, outside of training, and tells the scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from metta.common.log import get_logger
from metta.rl.context import check_stop
from metta.rl.hooks.base import TrainerHook, is_last_epoch
from metta.rl.shared_state import EvaluationScores

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


class EvaluationHook(TrainerHook):
    """Evaluate every ``epoch_interval`` epochs (0: never), and at the end of a run that is longer than one interval.

    Always from the same ``seed``, so that scores compare.

    Tells the scores through ``ctx.shared``. It comes after CheckpointHook, which saves the policy of every epoch that
    is evaluated.
    """

    name = "evaluation"
    ranks = "master"

    def __init__(
        self, evaluate: Evaluate, epoch_interval: int, seed: int, announce: Callable[[str], None] = lambda phase: None
    ) -> None:
        self.evaluate = evaluate
        self.epoch_interval = epoch_interval
        self.seed = seed
        self.announce = announce

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        epoch = ctx.state.epoch
        due = self.epoch_interval and (
            epoch % self.epoch_interval == 0 or (is_last_epoch(ctx) and epoch > self.epoch_interval)
        )
        if not due:
            return
        uri = ctx.shared.latest_policy_uri
        if uri is None or not uri.endswith(f":v{epoch}.mpt"):
            _log.warning("epoch %d is not evaluated: its policy could not be saved (latest: %s).", epoch, uri)
            return
        self.announce("evaluating")
        scores = self.evaluate(uri, self.seed, lambda: check_stop(ctx.stop))
        rewards = [metrics["reward"] for metrics in scores.values() if "reward" in metrics]
        score = sum(rewards) / len(rewards) if rewards else 0.0
        told = {name: dict(metrics) for name, metrics in scores.items()}
        ctx.shared.tell_scores(EvaluationScores(epoch, uri, score, told, in_force=epoch))
        _log.info("epoch %d: evaluated, mean reward %.4g over %d simulations", epoch, score, len(scores))
