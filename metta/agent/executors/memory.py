"""MemoryExecutor: as little memory as the network allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, cast

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from metta.agent.container import ComponentContainer
from metta.agent.executors.base import Executor
from metta.agent.module import MettaModule, TensorMap
from metta.agent.wrappers.base import WrapperModule

_Compute = Callable[[dict[str, Tensor]], dict[str, Tensor]]


class MemoryExecutor(Executor):
    """Drops intermediates as soon as nobody reads them; with gradients, computes activations again in the backward.

    Without ``keep`` the outputs are those that no component reads. Components with wrappers or with statistics in
    buffers are not computed twice: they would count twice. Activations of the components here are in place anyway.
    Source: checkpointing, arXiv:1604.06174.
    """

    name: ClassVar[str] = "memory"

    def __init__(self, network: ComponentContainer, keep: Iterable[str] | None = None) -> None:
        super().__init__(network, keep)
        self._steps: list[tuple[MettaModule | ComponentContainer, tuple[str, ...], bool]] = []

    def run(self, td: TensorMap) -> dict[str, Tensor]:
        """The outputs that are kept."""
        outputs = super().run(td)
        wanted = self._wanted
        return outputs if len(outputs) == len(wanted) else {key: outputs[key] for key in wanted}

    def _plan(self) -> None:
        network = self.network
        read = {str(key) for name in network.execution_order for key in network.get_component(name).in_keys}
        self._wanted = self.keep or tuple(key for key in network.out_keys if key not in read)
        last: dict[str, int] = {}
        for index, name in enumerate(network.execution_order):
            for key in (*network.get_component(name).in_keys, *network.get_component(name).out_keys):
                last[str(key)] = index
        self._inputs = tuple(network.in_keys)
        self._steps = [
            (
                network.get_component(name),
                tuple(key for key, at in last.items() if at == index and key not in self._wanted),
                _may_run_twice(network.get_component(name)),
            )
            for index, name in enumerate(network.execution_order)
        ]

    def _run(self, td: TensorMap) -> dict[str, Tensor]:
        data = {key: td[key] for key in self._inputs}
        with_gradients = torch.is_grad_enabled()
        for component, dead, may_run_twice in self._steps:
            if with_gradients and may_run_twice:
                data.update(_checkpointed(component, data))
            else:
                data.update(component._compute(data))
            for key in dead:
                data.pop(key, None)
        return {key: data[key] for key in self._wanted}


def _checkpointed(component: MettaModule | ComponentContainer, data: dict[str, Tensor]) -> dict[str, Tensor]:
    keys = [str(key) for key in component.in_keys]

    def compute(*tensors: Tensor) -> dict[str, Tensor]:
        return component._compute(dict(zip(keys, tensors, strict=True)))

    return cast(Any, checkpoint(compute, *(data[key] for key in keys), use_reentrant=False))


def _may_run_twice(component: MettaModule | ComponentContainer) -> bool:
    if isinstance(component, WrapperModule | ComponentContainer):
        return False
    parameters = {name for name, _ in component.named_parameters()}
    return bool(parameters) and parameters.issuperset(component.state_dict())
