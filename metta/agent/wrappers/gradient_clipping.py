"""GradientClippingWrapper: the norm of one component's gradient, clipped."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import nn

from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule, trainable
from metta.common.errors import ConfigError


class GradientClippingWrapper(WrapperModule):
    """Scales the component's gradient down to 2-norm ``max_norm``, before the optimizer's global clipping."""

    kind: ClassVar[str] = "gradient_clipping"
    role: ClassVar[Role] = "training"

    def __init__(
        self, inner: MettaModule, max_norm: float, component_name: str | None = None, *, active: bool = True
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if not 0 < max_norm < float("inf"):
            raise ConfigError(f"max_norm of {self.component_name} is {max_norm}; expected a number above 0.")
        self.max_norm = max_norm

    def after_backward(self) -> None:
        if self.active:
            nn.utils.clip_grad_norm_(trainable(self.inner), self.max_norm)

    def report(self) -> dict[str, Any]:
        return {"_gradient_clip_actual": self.max_norm} if self.active else {}
