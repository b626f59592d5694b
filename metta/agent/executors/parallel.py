"""ParallelExecutor: independent branches at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any, ClassVar

import torch
from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.executors.base import Executor
from metta.agent.executors.branches import Chain, needs_of, stages_of
from metta.agent.module import TensorMap

_WORKERS = 8
_Compute = Callable[[dict[str, Tensor]], dict[str, Tensor]]


class ParallelExecutor(Executor):
    """Runs branches that do not wait for each other on threads (CPU) or streams (CUDA).

    A branch is a chain of components; ``stages`` lists the chains that run at once. It pays where branches are large:
    on the CPU each hand-over costs some 20 to 50 microseconds, and branches compete for the cores that one of them
    would use alone. Random draws inside of branches (dropout) come in no fixed order.
    """

    name: ClassVar[str] = "parallel"

    def __init__(self, network: ComponentContainer, keep: Iterable[str] | None = None) -> None:
        super().__init__(network, keep)
        self.stages: list[list[Chain]] = []
        self._steps: list[list[list[_Compute]]] = []
        self._inputs: tuple[str, ...] = ()

    @property
    def has_branches(self) -> bool:
        """Whether anything can run at once; known after the first call."""
        return any(len(stage) > 1 for stage in self.stages)

    def _plan(self) -> None:
        self.stages = stages_of(needs_of(self.network))
        component = self.network.get_component
        self._steps = [[[component(name)._compute for name in chain] for chain in stage] for stage in self.stages]
        self._inputs = tuple(self.network.in_keys)

    def _run(self, td: TensorMap) -> dict[str, Tensor]:
        data = {key: td[key] for key in self._inputs}
        outputs: dict[str, Tensor] = {}
        for stage in self._steps:
            if len(stage) == 1:
                produced = [_run_chain(stage[0], data)]
            elif any(value.is_cuda for value in data.values()):
                produced = _on_streams(stage, data)
            else:
                produced = _on_threads(stage, data)
            for part in produced:
                data.update(part)
                outputs.update(part)
        return outputs


def _run_chain(chain: Sequence[_Compute], data: dict[str, Tensor]) -> dict[str, Tensor]:
    outputs: dict[str, Tensor] = {}
    seen = dict(data)
    for compute in chain:
        produced = compute(seen)
        seen.update(produced)
        outputs.update(produced)
    return outputs


def _on_threads(stage: Sequence[Sequence[_Compute]], data: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    """The first chain here, the others in the pool, in this thread's modes."""
    grad, inference = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    autocast, dtype = torch.is_autocast_enabled("cpu"), torch.get_autocast_dtype("cpu")

    def run(chain: Sequence[_Compute]) -> dict[str, Tensor]:
        with (
            torch.inference_mode(inference),
            torch.set_grad_enabled(grad),
            torch.autocast("cpu", dtype=dtype, enabled=autocast),
        ):
            return _run_chain(chain, data)

    futures = [_pool().submit(run, chain) for chain in stage[1:]]
    try:
        first = _run_chain(stage[0], data)
    finally:
        others = [future.exception() for future in futures]  # nobody is left running when an error goes up
    for error in others:
        if error is not None:
            raise error
    return [first, *(future.result() for future in futures)]


def _on_streams(stage: Sequence[Sequence[_Compute]], data: dict[str, Tensor]) -> list[dict[str, Tensor]]:
    device = next(value.device for value in data.values() if value.is_cuda)
    here = torch.cuda.current_stream(device)
    produced: list[dict[str, Tensor]] = []
    streams = [here, *(_stream(device, index) for index in range(len(stage) - 1))]
    for stream in streams[1:]:
        stream.wait_stream(here)
    for chain, stream in zip(stage, streams, strict=True):
        with torch.cuda.stream(stream):
            produced.append(_run_chain(chain, data))
    for part, stream in zip(produced[1:], streams[1:], strict=True):
        here.wait_stream(stream)
        for value in part.values():
            value.record_stream(here)
    return produced


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(_WORKERS, thread_name_prefix="branch")


@cache
def _stream(device: torch.device, index: int) -> Any:
    return torch.cuda.Stream(device)
