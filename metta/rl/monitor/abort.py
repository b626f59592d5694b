"""Ends a run early when somebody tags it in the tracker."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING

from metta.common.log import TELL, get_logger
from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats

_log = get_logger(__name__)
TAG = "abort"


class AbortByTag(MonitorPart):
    """Asks for the run's tags every ``interval`` epochs, in a thread that training never waits for. When ``abort`` is
    among them, the epoch in which that becomes known is the last one: the run ends as a finished one does, its state
    saved. Started again without the tag, it goes on.

    A server that cannot be asked is told once; the next question may succeed.
    """

    name = "abort"

    def __init__(self, tags: Callable[[], Collection[str]], interval: int) -> None:
        self.tags = tags
        self.interval = interval
        self._asking: threading.Thread | None = None
        self._found = False
        self._told = False

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        if self._found:
            ctx.shared.end_reason = f"the wandb run has the tag {TAG!r}"
            _log.warning("epoch %d: %s, so training ends here.", ctx.state.epoch, ctx.shared.end_reason, extra=TELL)
        elif ctx.state.epoch % self.interval == 0 and (self._asking is None or not self._asking.is_alive()):
            self._asking = threading.Thread(target=self._ask, name="abort-tag", daemon=True)
            self._asking.start()
        return {}

    def _ask(self) -> None:
        try:
            self._found = TAG in self.tags()
        except Exception as error:  # noqa: BLE001 - a library of others in a thread: nobody else would tell it
            if not self._told:
                _log.warning(
                    "cannot ask wandb for the run's tags (%s); training goes on.", error or type(error).__name__
                )
            self._told = True
