"""What MetricsHook is made of: small observers that each know one kind of number."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats


class MonitorPart:
    """Base of all parts; every method may stay empty.

    Called once an epoch, in this order: ``determined``, ``measured``. A part that writes files or asks other
    machines must not raise for their faults: it says so once and goes on.
    """

    name: ClassVar[str] = "part"
    """Key of the part's state within MetricsHook's."""

    def start(self, ctx: TrainerContext) -> None:
        """Training begins or goes on; ``load_state_dict`` was called before."""

    def determined(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        """Numbers of this epoch that config and seed determine, for ``metrics.jsonl``."""
        return {}

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        """Numbers of this epoch that depend on the machine, for ``timing.jsonl``."""
        return {}

    def close(self) -> None:
        """Training ended or failed; called once or more, also when ``start`` was not."""

    def state_dict(self) -> dict[str, Any]:
        """Plain JSON, saved with the trainer's state."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go back to a saved ``state_dict``; an empty one is a run from before this part existed."""
