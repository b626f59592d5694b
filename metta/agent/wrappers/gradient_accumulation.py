"""GradientAccumulationWrapper: one step of a component from the mean gradient of several minibatches."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.module import MettaModule
from metta.agent.wrappers.base import Role, WrapperModule, trainable
from metta.common.errors import ConfigError


class GradientAccumulationWrapper(WrapperModule):
    """Holds the component's gradients back for ``accumulation_steps`` minibatches, then hands out their mean.

    ``after_backward`` does it: while it collects, the parameters' gradients are None, so that an optimizer passes the
    component over. What is collected is part of ``wrapper_state``; freezing the component drops it. Called outside of a
    trainer (a forward pass with a TensorDict) the wrapper counts calls in train mode and reports ``should_update``, as
    a loop of one's own needs it.
    """

    kind: ClassVar[str] = "gradient_accumulation"
    role: ClassVar[Role] = "training"
    gradient_order: ClassVar[int] = 0

    def __init__(
        self, inner: MettaModule, accumulation_steps: int, component_name: str | None = None, *, active: bool = True
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if accumulation_steps < 1:
            raise ConfigError(
                f"accumulation_steps of {self.component_name} is {accumulation_steps}; expected at least 1."
            )
        self.accumulation_steps = accumulation_steps
        self.current_step = 0
        self._collected: dict[str, Tensor] = {}
        self._counts_calls = True
        self._counted_calls = 0

    @property
    def should_update(self) -> bool:
        """Whether the minibatch counted last completes a step."""
        return self.current_step % self.accumulation_steps == 0

    def before_call(self) -> None:
        """A call by hand counts as a minibatch, unless somebody calls ``after_backward``."""
        if self._counts_calls and self.active and self.training:
            self.current_step += 1
            self._counted_calls += 1

    def after_backward(self) -> None:
        """Collect, or hand out the mean."""
        self._counts_calls = False
        self.current_step -= self._counted_calls  # nothing was collected for these, and this minibatch is among them
        self._counted_calls = 0
        if not self.active or self.accumulation_steps == 1:
            return
        if self.frozen:  # half a mean would move a component that must not move
            self._collected.clear()
            self.current_step -= self.current_step % self.accumulation_steps
            return
        self.current_step += 1
        ready = self.should_update
        with torch.no_grad():
            for name, parameter in self.inner.named_parameters():
                if parameter.grad is None and name not in self._collected:
                    continue
                share = 0.0 if parameter.grad is None else parameter.grad / self.accumulation_steps
                total = self._collected.pop(name, 0.0) + share
                assert isinstance(total, Tensor)
                if ready:
                    parameter.grad = total
                else:
                    self._collected[name], parameter.grad = total, None

    def wrapper_state(self) -> dict[str, Tensor]:
        state = {f"grad/{name}": tensor.clone() for name, tensor in self._collected.items()}
        return {**state, "step": torch.tensor(self.current_step)}

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        self.current_step = int(state["step"])
        self._collected = {key[5:]: tensor.clone() for key, tensor in state.items() if key.startswith("grad/")}

    def report(self) -> dict[str, Any]:
        if not self.active or not trainable(self.inner):
            return {}
        status = {
            "step": self.current_step,
            "every": self.accumulation_steps,
            "should_update": self.should_update,
        }
        return {"_grad_accumulation_status": status}
