"""AdaptiveGradientWrapper: gradient clipping whose limit follows the gradients."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import Role, WrapperModule, trainable
from metta.common.errors import ConfigError


class AdaptiveGradientWrapper(WrapperModule):
    """Clips the component's gradient to a 2-norm that adapts to the mean norm of the last ``history`` minibatches.

    Where that mean is above twice the limit, the limit grows by ``adaptation_rate``; where it is below half of it, it
    shrinks; between ``min_clip_value`` and ``max_clip_value``. In a trainer the norms are measured; in calls by hand
    they are the ``_gradient_norms`` of the TensorDict. The limit is reported as ``_gradient_clip_actual`` and, in
    calls by hand, as ``_adaptive_clip_<component>``. Limit and history are part of ``wrapper_state``.

    ``clip_outputs=True`` clamps the outputs to +-limit too.
    """

    kind: ClassVar[str] = "adaptive_gradient"
    role: ClassVar[Role] = "training"

    def __init__(
        self,
        inner: MettaModule,
        initial_clip_value: float = 1.0,
        adaptation_rate: float = 0.1,
        component_name: str | None = None,
        *,
        history: int = 100,
        min_clip_value: float = 1e-4,
        max_clip_value: float = 1e4,
        clip_outputs: bool = False,
        active: bool = True,
    ) -> None:
        super().__init__(inner, component_name=component_name, active=active)
        if not 0 < min_clip_value <= initial_clip_value <= max_clip_value < float("inf"):
            raise ConfigError(
                f"initial_clip_value of {self.component_name} is {initial_clip_value}, between min_clip_value="
                f"{min_clip_value} and max_clip_value={max_clip_value}; expected 0 < min <= initial <= max."
            )
        if not 0 < adaptation_rate < 1 or history < 1:
            raise ConfigError(
                f"{self.component_name}: adaptation_rate={adaptation_rate}, history={history}; expected a share "
                "between 0 and 1, and at least 1 minibatch."
            )
        self.current_clip_value, self.adaptation_rate = float(initial_clip_value), adaptation_rate
        self.min_clip_value, self.max_clip_value = min_clip_value, max_clip_value
        self.gradient_history: deque[float] = deque(maxlen=history)
        self.clip_outputs = clip_outputs

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        outputs = self.inner._compute(td)
        if self.clip_outputs:
            limit = self.current_clip_value
            outputs = {key: value.clamp(-limit, limit) for key, value in outputs.items()}
        return outputs

    def before_call(self) -> None:
        if self.active:
            self._adapt(float(self.signals.gradient_norms.get(self.component_name, 0.0)))

    def after_call(self, tensordict: Any) -> None:
        from metta.agent.control.exchange import write_plain

        if self.active:
            write_plain(tensordict, f"_adaptive_clip_{self.component_name}", self.current_clip_value)

    def after_backward(self) -> None:
        if not self.active:
            return
        parameters = [parameter for parameter in trainable(self.inner) if parameter.grad is not None]
        if not parameters:
            return
        norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        self._adapt(float(norm))
        nn.utils.clip_grads_with_norm_(parameters, self.current_clip_value, norm)

    def _adapt(self, norm: float) -> None:
        if not 0 < norm < float("inf"):
            return
        self.gradient_history.append(norm)
        mean = sum(self.gradient_history) / len(self.gradient_history)
        if mean > 2 * self.current_clip_value:
            self.current_clip_value *= 1 + self.adaptation_rate
        elif mean < 0.5 * self.current_clip_value:
            self.current_clip_value *= 1 - self.adaptation_rate
        self.current_clip_value = min(max(self.current_clip_value, self.min_clip_value), self.max_clip_value)

    def report(self) -> dict[str, Any]:
        return {"_gradient_clip_actual": self.current_clip_value} if self.active else {}

    def wrapper_state(self) -> dict[str, Tensor]:
        return {
            "limit": torch.tensor(self.current_clip_value, dtype=torch.float64),
            "history": torch.tensor(list(self.gradient_history), dtype=torch.float64),
        }

    def load_wrapper_state(self, state: Mapping[str, Tensor]) -> None:
        self.current_clip_value = float(state["limit"])
        self.gradient_history.clear()
        self.gradient_history.extend(state["history"].tolist())
