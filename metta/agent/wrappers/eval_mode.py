"""EvalModeWrapper: a component in eval mode while the others train."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from torch import Tensor

from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import Role, WrapperModule


class EvalModeWrapper(WrapperModule):
    """Keeps the wrapped component in eval mode (no dropout, fixed statistics), whatever ``train()`` says above it.

    It still learns, unless it is frozen too. Switched off or unwrapped, it follows the network's mode again.
    """

    kind: ClassVar[str] = "eval_mode"
    role: ClassVar[Role] = "training"

    def __init__(self, inner: MettaModule, component_name: str | None = None, *, active: bool = True) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        self.training = inner.training

    def train(self, mode: bool = True) -> Self:
        self.training = mode
        self.inner.train(mode and not self.active)
        return self

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        learns = self.training and not self.active  # `active` may have changed since train() was called
        if self.inner.training != learns:
            self.inner.train(learns)
        return self.inner._compute(td)

    def report(self) -> dict[str, Any]:
        return {"_component_status": "eval"} if self.active else {}
