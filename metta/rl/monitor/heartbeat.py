"""A file whose age tells a supervisor whether training still moves."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Self

from metta.common.log import get_logger
from metta.rl.monitor.part import MonitorPart

if TYPE_CHECKING:
    from metta.rl.context import TrainerContext, UpdateStats

_log = get_logger(__name__)
VARIABLE = "HEARTBEAT_FILE"


class Heartbeat(MonitorPart):
    """Touches ``path`` when training starts and at each epoch's end. A file that cannot be touched is told once."""

    name = "heartbeat"

    def __init__(self, path: Path) -> None:
        self.path = path
        self._told = False

    @classmethod
    def of(cls, configured: str | None) -> Self | None:
        """For ``configured``, else for ``$HEARTBEAT_FILE``; None where neither names a file."""
        name = configured or os.environ.get(VARIABLE)
        return cls(Path(name).expanduser()) if name else None

    def start(self, ctx: TrainerContext) -> None:
        self._beat()

    def measured(self, ctx: TrainerContext, stats: UpdateStats) -> Mapping[str, float]:
        self._beat()
        return {}

    def _beat(self) -> None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.touch()
        except OSError as error:
            if not self._told:
                _log.warning(
                    "cannot touch the heartbeat file %s: %s. Training goes on; set metrics.heartbeat_file or $%s to a "
                    "file that can be written.",
                    self.path,
                    error.strerror or error,
                    VARIABLE,
                )
            self._told = True
