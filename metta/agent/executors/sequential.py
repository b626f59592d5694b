"""SequentialExecutor: the container's own loop."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from metta.agent.executors.base import Executor
from metta.agent.module import TensorMap


class SequentialExecutor(Executor):
    """One component after the other. Nothing is planned: the container does it."""

    name: ClassVar[str] = "sequential"

    def _plan(self) -> None:
        pass

    def _run(self, td: TensorMap) -> dict[str, Tensor]:
        return self.network._compute(td)
