"""MemoryOptimizationWrapper: recompute in the backward pass instead of remembering."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import Role, WrapperModule, wrappers_of


class MemoryOptimizationWrapper(WrapperModule):
    """Keeps only the component's inputs for the backward pass and computes the rest again when it is needed.

    Same outputs and gradients, a forward pass more, less memory between. What wrappers below remember (noise, running
    statistics) is put back for the second computation, so it sees what the first one saw.

    Source: Chen et al. 2016, arXiv:1604.06174.
    """

    kind: ClassVar[str] = "memory_optimization"
    role: ClassVar[Role] = "training"

    def __init__(self, inner: MettaModule, component_name: str | None = None, *, active: bool = True) -> None:
        super().__init__(inner, component_name=component_name, active=active)

    def _active_compute(self, td: TensorMap) -> dict[str, Tensor]:
        if not torch.is_grad_enabled():
            return self.inner._compute(td)
        inputs = {key: td[key] for key in map(str, self.in_keys)}
        computed: Any = checkpoint(self.inner._compute, inputs, use_reentrant=False, context_fn=self._contexts)
        return dict(computed)

    def _contexts(self) -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        return nullcontext(), self._as_before()

    def _as_before(self) -> AbstractContextManager[None]:
        below = [(wrapper, wrapper.wrapper_state()) for wrapper in wrappers_of(self.inner)]
        phase = self.signals.training_phase
        # A wrapper above (no_grad) may be over when the backward pass comes.
        frozen = [parameter for parameter in self.inner.parameters() if not parameter.requires_grad]

        @contextmanager
        def replay() -> Generator[None]:
            frozen_now = [parameter for parameter in frozen if parameter.requires_grad]
            for parameter in frozen_now:
                parameter.requires_grad_(False)
            now, phase_now = [(wrapper, wrapper.wrapper_state()) for wrapper, _ in below], self.signals.training_phase
            self.signals.training_phase = phase
            for wrapper, state in below:
                wrapper.load_wrapper_state(state)
            try:
                yield
            finally:
                for parameter in frozen_now:
                    parameter.requires_grad_(True)
                self.signals.training_phase = phase_now
                for wrapper, state in now:
                    wrapper.load_wrapper_state(state)

        return replay()
