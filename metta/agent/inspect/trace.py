"""Traces: what each component of a network did in one call."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.container import ComponentContainer
from metta.agent.module import TensorMap

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Step:
    """One component's turn.

    Units: ``seconds`` of wall time, ``output_bytes`` of the tensors it wrote, ``peak_bytes`` that were allocated above
    what was there before (CUDA only, else 0).
    """

    name: str
    class_name: str
    inputs: Shapes
    outputs: Shapes
    seconds: float
    output_bytes: int
    peak_bytes: int
    values: Mapping[str, tuple[float, float]]
    """Mean and standard deviation of each output."""


@dataclass(slots=True)
class Trace:
    """The steps of all calls, in order."""

    steps: list[Step] = field(default_factory=list[Step])

    @property
    def seconds(self) -> float:
        """Time in all components together."""
        return sum(step.seconds for step in self.steps)

    @property
    def shapes(self) -> Shapes:
        """The newest shape of each key that was read or written."""
        return {key: shape for step in self.steps for key, shape in (*step.inputs.items(), *step.outputs.items())}


@contextmanager
def recording(network: ComponentContainer) -> Iterator[Trace]:
    """Record what ``network``'s components do, however the network is run; afterwards everything is as before."""
    trace = Trace()
    components = dict(network.items())
    for name, component in components.items():
        component.__dict__["_compute"] = _watched(name, component, trace)
    network.version += 1  # executors hold the components' methods
    try:
        yield trace
    finally:
        for component in components.values():
            component.__dict__.pop("_compute", None)
        network.version += 1


def _watched(name: str, component: nn.Module, trace: Trace) -> Any:
    compute: Any = component._compute
    in_keys = [str(key) for key in component.in_keys]  # pyright: ignore[reportGeneralTypeIssues] - components have keys

    def watched(td: TensorMap) -> dict[str, Tensor]:
        inputs = {key: td[key] for key in in_keys}
        cuda = any(value.is_cuda for value in inputs.values())
        before = _cuda_bytes() if cuda else 0
        start = time.perf_counter()
        outputs: dict[str, Tensor] = compute(td)
        if cuda:
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        peak = torch.cuda.max_memory_allocated() - before if cuda else 0
        size = sum(value.nelement() * value.element_size() for value in outputs.values())
        kind = type(_bare(component)).__name__
        step = Step(name, kind, _shapes(inputs), _shapes(outputs), seconds, size, peak, _moments(outputs))
        trace.steps.append(step)
        return outputs

    return watched


def _bare(component: nn.Module) -> nn.Module:
    while "inner" in component.__dict__:
        component = component.__dict__["inner"]
    return component


def _cuda_bytes() -> int:
    torch.cuda.synchronize()
    torch.cuda.reset_peak_memory_stats()
    return torch.cuda.memory_allocated()


def _shapes(tensors: Mapping[str, Tensor]) -> Shapes:
    return {key: tuple(value.shape) for key, value in tensors.items()}


def _moments(outputs: Mapping[str, Tensor]) -> dict[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for key, value in outputs.items():
        numbers = value.detach().float()
        if numbers.numel():
            found[key] = (float(numbers.mean()), float(numbers.std(correction=0)))
    return found
