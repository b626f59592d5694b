"""PerformantExecutor and OptimizedExecutionEngine: executors chosen by aim instead of by name."""

from __future__ import annotations

import time
from typing import Literal

import torch
from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.executors.base import Executor
from metta.agent.executors.compiled import CompiledExecutor
from metta.agent.executors.cuda_graph import GraphedLine
from metta.agent.executors.memory import MemoryExecutor
from metta.agent.executors.parallel import ParallelExecutor
from metta.agent.module import Data, TensorMap
from metta.common.errors import ConfigError

Mode = Literal["throughput", "memory"]
_TRIALS = 4


class PerformantExecutor:
    """A network prepared for one aim.

    ``throughput``: the straight line; in eval mode without autograd's bookkeeping, and on CUDA as a graph that is
    recorded once per shape and replayed on tensors allocated then (networks that cannot be recorded run as they are).
    ``memory``: see ``MemoryExecutor``; only outputs that nobody reads are returned.

    >>> from metta.agent.components.linear import LinearModule
    >>> network = ComponentContainer()
    >>> network.add_component("policy", LinearModule(3, 2, "observation", "logits"))
    >>> fast = PerformantExecutor(network.eval(), mode="throughput")
    >>> fast.execute_fast({"observation": torch.randn(4, 3)})["logits"].shape
    torch.Size([4, 2])
    """

    def __init__(self, network: ComponentContainer, mode: Mode = "throughput") -> None:
        if mode not in ("throughput", "memory"):
            raise ConfigError(f"mode={mode!r}: expected 'throughput' or 'memory'.")
        self.network, self.mode = network, mode
        self.executor: Executor = CompiledExecutor(network) if mode == "throughput" else MemoryExecutor(network)
        self._graph = GraphedLine(self.executor) if mode == "throughput" else None

    def execute_fast(self, inputs: TensorMap) -> dict[str, Tensor]:
        """The outputs by key."""
        if self._graph is None or self.network.training:
            return self.executor.run(inputs)
        with torch.inference_mode():
            return self._graph.run(inputs)


class OptimizedExecutionEngine:
    """Runs a network as fast as it can: branches at once where that is faster, else the straight line.

    The first calls after a change take turns; what was faster is kept. Called like the network.
    """

    def __init__(self, network: ComponentContainer) -> None:
        self.network = network
        self._parallel, self._line = ParallelExecutor(network), CompiledExecutor(network)
        self._times: dict[str, list[float]] = {}
        self._chosen: Executor | None = None
        self._version = -1

    @property
    def chosen(self) -> str | None:
        """``parallel`` or ``compiled``; None while it is not decided."""
        return None if self._chosen is None else self._chosen.name

    def __call__(self, td: Data) -> Data:
        """Run, write the outputs into ``td`` and return it."""
        if self._version != self.network.version:
            self._parallel.run(td)
            self._line.run(td)
            self._version, self._times = self.network.version, {"parallel": [], "compiled": []}
            self._chosen = None if self._parallel.has_branches else self._line
        return self._chosen(td) if self._chosen is not None else self._try(td)

    def _try(self, td: Data) -> Data:
        turn = self._parallel if len(self._times["parallel"]) <= len(self._times["compiled"]) else self._line
        start = time.perf_counter()
        turn(td)
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self._times[turn.name].append(time.perf_counter() - start)
        if len(self._times["compiled"]) == _TRIALS:
            faster = min(self._times, key=lambda name: min(self._times[name]))
            self._chosen = self._parallel if faster == "parallel" else self._line
        return td
