"""Writes policies and prunes old ones."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from metta.checkpoint.config import CheckpointerConfig
from metta.checkpoint.manager import CheckpointManager
from metta.checkpoint.save_attempts import SaveAttempts
from metta.common.log import get_logger
from metta.rl.hooks.base import TrainerHook, is_last_epoch

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats

_log = get_logger(__name__)


class PolicyCopies(Protocol):
    """Somewhere else that policies go: an object store, a tracker. Never raises for a network's faults."""

    interval: int
    """Epochs between two policies for it, 0: every one that is saved. The last one always."""

    def start(self) -> None:
        """Training begins or goes on."""
        ...

    def add(self, path: Path, epoch: int, agent_step: int) -> None:
        """Take the policy at ``path``, whose file may be deleted when this returns."""
        ...

    def close(self, *, failed: bool, stop: Callable[[], bool]) -> None:
        """Training ended: finish within a bounded time, sooner when ``stop()``. Called only after ``start``."""
        ...


class CheckpointHook(TrainerHook):
    """Write the policy every ``epoch_interval`` epochs and at the end; the trainer commits its state after all hooks.

    ``also_every``: the evaluation's interval, so that each evaluated policy is one on disk (0: none). The policy of
    the last epoch must be written: there a failure stops the run at once.

    ``copies`` get each saved policy besides, in the background.

    A policy that is still being evaluated in the background is not pruned, nor one that a state on disk is waiting for.
    """

    name = "checkpoint"
    ranks = "master"  # every rank restores its own state; the policy artifact is the master's

    def __init__(
        self,
        manager: CheckpointManager,
        config: CheckpointerConfig,
        also_every: int = 0,
        copies: Sequence[PolicyCopies] = (),
    ) -> None:
        self.manager = manager
        self.config = config
        self.intervals = [config.epoch_interval, also_every, *(copy.interval for copy in copies)]
        self.copies = tuple(copies)
        self._started: list[PolicyCopies] = []
        self._attempts = SaveAttempts("policy")
        self._saved_epoch = -1
        self._awaited: dict[int, int] = {}
        """Epoch of a policy that is evaluated in the background -> last epoch in which its file may be needed."""
        self._old_scores: dict[int, float] = {}

    def on_training_start(self, ctx: TrainerContext) -> None:
        self.manager.remove_leftovers()
        ctx.shared.latest_policy_uri = self.manager.latest()  # not the saved one: the run may have been moved
        ctx.shared.scores_by_epoch = {**self._old_scores, **ctx.shared.scores_by_epoch}
        for copy in self.copies:
            copy.start()
            self._started.append(copy)

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        epoch = ctx.state.epoch
        if is_last_epoch(ctx) or any(epoch % interval == 0 for interval in self.intervals if interval):
            self._attempts.run(lambda: self._save(ctx))

    def on_checkpoint_request(self, ctx: TrainerContext) -> str:
        self._save(ctx)
        return str(ctx.shared.latest_policy_uri)

    def on_training_end(self, ctx: TrainerContext) -> None:
        if self._saved_epoch != ctx.state.epoch:
            self._save(ctx)
        self._awaited = {pending.epoch: pending.due for pending in ctx.shared.pending_evaluations}
        self._prune(ctx)  # the last evaluation came after the last save
        self._close(ctx, failed=False)

    def on_failure(self, ctx: TrainerContext, error: BaseException) -> None:
        self._close(ctx, failed=True)

    def state_dict(self) -> dict[str, Any]:
        return {"awaited": {str(epoch): until for epoch, until in sorted(self._awaited.items())}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._awaited = {int(epoch): int(until) for epoch, until in state.get("awaited", {}).items()}
        # States of earlier versions hold the scores here; now they are in the state that hooks share.
        self._old_scores = {int(epoch): float(score) for epoch, score in state.get("scores", {}).items()}

    def _save(self, ctx: TrainerContext) -> None:
        epoch = ctx.state.epoch
        ctx.shared.latest_policy_uri = self.manager.save_policy(ctx.policy, epoch, ctx.state.agent_step)
        self._saved_epoch = epoch
        _log.info("epoch %d: policy saved as %s", epoch, ctx.shared.latest_policy_uri)
        ends = is_last_epoch(ctx) or bool(ctx.shared.end_reason)
        for copy in self.copies:
            if ends or not copy.interval or epoch % copy.interval == 0:
                copy.add(self.manager.path_of(epoch), epoch, ctx.state.agent_step)
        self._prune(ctx)

    def _close(self, ctx: TrainerContext, *, failed: bool) -> None:
        while self._started:
            self._started.pop().close(failed=failed, stop=lambda: bool(ctx.stop))

    def _prune(self, ctx: TrainerContext) -> None:
        for pending in ctx.shared.pending_evaluations:
            # A run that is killed goes back by up to one interval, and then evaluates this policy again.
            self._awaited[pending.epoch] = pending.due + self.config.epoch_interval
        epoch = ctx.state.epoch
        self._awaited = {awaited: until for awaited, until in self._awaited.items() if until >= epoch}
        scores = ctx.shared.scores_by_epoch
        self.manager.prune(self.config.keep_last, self.config.keep_best, scores, newest=epoch, also=self._awaited)
