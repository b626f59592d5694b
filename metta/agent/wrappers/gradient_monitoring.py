"""GradientMonitoringWrapper: what the gradient of a component looks like."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule
from metta.common.errors import ConfigError

STATISTICS = ("norm", "mean", "variance", "max", "zeros")


class GradientMonitoringWrapper(WrapperModule):
    """Reports 2-norm, mean, variance, largest size and share of zeros of the component's gradient.

    Over all its parameters together, as the backward pass left them: before anybody accumulates or clips. ``every``
    looks at each n-th minibatch only. The numbers stay on the device until somebody asks for the report. Without a
    gradient (frozen, or before the first one) nothing is reported.
    """

    kind: ClassVar[str] = "gradient_monitoring"
    role: ClassVar[Role] = "monitoring"
    gradient_order: ClassVar[int] = -1

    def __init__(
        self, inner: MettaModule, component_name: str | None = None, *, every: int = 1, active: bool = True
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if every < 1:
            raise ConfigError(f"every of {self.component_name}'s gradient_monitoring is {every}; expected at least 1.")
        self.every = every
        self._minibatches = 0
        self._seen: Tensor | None = None

    def after_backward(self) -> None:
        if not self.active:
            return
        if self._minibatches % self.every == 0:
            self._seen = gradient_statistics(self.inner)
        self._minibatches += 1

    def report(self) -> dict[str, Any]:
        if not self.active or self._seen is None or self.frozen:
            return {}
        return {"_gradient_statistics": dict(zip(STATISTICS, self._seen.tolist(), strict=True))}

    def wrapper_state(self) -> dict[str, Tensor]:
        if self._seen is None:
            return {}
        return {"statistics": self._seen, "minibatches": torch.tensor(self._minibatches)}

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        self._seen = state["statistics"].clone() if state else None
        self._minibatches = int(state["minibatches"]) if state else 0


def gradient_statistics(module: torch.nn.Module) -> Tensor | None:
    """``STATISTICS`` of all gradients of ``module`` together; None without any.

    Shapes: ``[5] float32``, on the gradients' device.
    """
    with torch.no_grad():
        found = [parameter.grad.float().flatten() for parameter in module.parameters() if parameter.grad is not None]
        if not found:
            return None
        grad = torch.cat(found)
        return torch.stack(
            [grad.norm(), grad.mean(), grad.var(correction=0), grad.abs().max(), (grad == 0).float().mean()]
        )
