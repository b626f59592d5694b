"""Do with less when memory runs short."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import torch

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.rules.base import EpochView, Rule
from metta.rl.control.rules.rules_config import MemoryPressureConfig

_REARMED = 0.1
"""How far below the limit the share must fall before the rule can act again."""
_CGROUP = Path("/sys/fs/cgroup")


class MemoryPressure(Rule[MemoryPressureConfig]):
    """Asks for ``config.control`` once, when more than ``limit`` of the memory is in use.

    It decides by what the machine measures; the trainer records that, and a resumed run repeats it.
    """

    name: ClassVar[str] = "memory_pressure"
    determined: ClassVar[bool] = False

    def __init__(self, config: MemoryPressureConfig, measure: Callable[[], float] | None = None) -> None:
        super().__init__(config)
        self.measure = memory_in_use if measure is None else measure
        self._acted = False

    def observe(self, view: EpochView) -> TrainingControl | None:
        share = self.measure()
        if self._acted:
            self._acted = share > self.config.limit - _REARMED
            return None
        self._acted = share > self.config.limit
        return self.config.control if self._acted else None

    def state_dict(self) -> dict[str, Any]:
        return {"acted": self._acted}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        self._acted = bool(state["acted"])


def memory_in_use() -> float:
    """Share of the GPU's memory in use, where there is one, else of what the process may use; 0 where nobody says."""
    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return 1.0 - free / total
    with contextlib.suppress(OSError, ValueError):
        used, limit = (int((_CGROUP / name).read_text()) for name in ("memory.current", "memory.max"))
        return used / limit  # no number: "max", without limit
    try:
        table = dict(line.split(":", 1) for line in Path("/proc/meminfo").read_text().splitlines())
        return 1.0 - int(table["MemAvailable"].split()[0]) / int(table["MemTotal"].split()[0])
    except (OSError, ValueError, KeyError):
        return 0.0
