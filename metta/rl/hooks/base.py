"""What a hook is: a few moments of a training run, one signature, faults never swallowed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


def is_last_epoch(ctx: TrainerContext) -> bool:
    """In ``on_epoch_end``: no further epoch follows."""
    return ctx.state.agent_step >= ctx.config.total_timesteps


class TrainerHook:
    """Base of all hooks: every method may stay empty. A hook reads the context and writes only ``ctx.shared``.

    The trainer calls hooks in the order checkpoint, evaluation, metrics, then commits its own state together with
    each hook's ``state_dict``. An exception stops the run: ``on_failure`` of every hook is called, then it is raised
    again with the hook's name.
    """

    name: ClassVar[str] = "hook"
    """Key of the hook's state in a trainer snapshot, and its name in messages."""
    ranks: ClassVar[Literal["master", "all"]] = "master"
    """Which ranks of a distributed run call it."""

    def on_training_start(self, ctx: TrainerContext) -> None:
        """Once, after a resumed run has restored its state (and ``load_state_dict`` was called)."""

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        """When experience is collected, before the update; ``stats.metrics`` is still empty."""

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        """After the update; ``ctx.state`` already counts the finished epoch."""

    def on_checkpoint_request(self, ctx: TrainerContext) -> str:
        """When somebody asks for a checkpoint between two epochs; what was saved, for people, or nothing."""
        return ""

    def on_training_end(self, ctx: TrainerContext) -> None:
        """Once, when ``total_timesteps`` are reached, before the last commit."""

    def on_failure(self, ctx: TrainerContext, error: BaseException) -> None:
        """When training stops by ``error``, a signal included. Release what is open; raise nothing."""

    def state_dict(self) -> dict[str, Any]:
        """Plain JSON to be saved with the trainer's state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved ``state_dict``; not called for a run that starts anew."""
