"""NoGradWrapper: a component that does not learn, while gradients still flow through it."""

from __future__ import annotations

from typing import Any, ClassVar

from torch import Tensor

from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import Role, WrapperModule, trainable


class NoGradWrapper(WrapperModule):
    """Freezes the wrapped component: its parameters get no gradient, so no step, no decay, no momentum.

    What lies upstream still learns: gradients pass to the component's inputs. Where nothing upstream learns the
    component costs no backward pass at all. Parameters keep ``requires_grad``; only the graph leaves them out.

    >>> import torch
    >>> from metta.agent.components.linear import LinearModule
    >>> frozen = NoGradWrapper(LinearModule(3, 2), "encoder")
    >>> frozen({"input": torch.randn(4, 3)})["output"].requires_grad
    False
    """

    kind: ClassVar[str] = "no_grad"
    aliases: ClassVar[tuple[str, ...]] = ("ActivatableNoGradWrapper",)
    role: ClassVar[Role] = "training"
    freezes: ClassVar[bool] = True

    def __init__(self, inner: MettaModule, component_name: str | None = None, *, active: bool = True) -> None:
        super().__init__(inner, component_name=component_name, active=active)

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        parameters = trainable(self.inner)
        for parameter in parameters:
            parameter.requires_grad_(False)
        try:
            return self.inner._compute(td)
        finally:
            for parameter in parameters:
                parameter.requires_grad_(True)

    def report(self) -> dict[str, Any]:
        return {"_component_status": "frozen"} if self.active else {}


ActivatableNoGradWrapper = NoGradWrapper
