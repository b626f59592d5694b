"""GraphedLine: a network on CUDA recorded once per shape, then replayed as one launch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from metta.agent.executors.base import Executor
from metta.agent.module import TensorMap

_Signature = tuple[tuple[str, torch.Size, object], ...]
_WARM_UP = 3


@dataclass(slots=True)
class _Recording:
    graph: Any
    inputs: dict[str, Tensor]
    outputs: dict[str, Tensor]


class GraphedLine:
    """Without gradients. Returned tensors are copies, so the next call does not write over them.

    A network that waits for the device or draws random numbers cannot be recorded; it then runs through ``executor``.
    """

    def __init__(self, executor: Executor) -> None:
        self.executor = executor
        self._recordings: dict[_Signature, _Recording | None] = {}
        self._version = -1

    def run(self, td: TensorMap) -> dict[str, Tensor]:
        """The outputs by key."""
        network = self.executor.network
        if self._version != network.version:
            self._recordings.clear()
            self._version = network.version
            return self.executor.run(td)
        inputs = {key: td[key] for key in network.in_keys}
        if not inputs or not all(value.is_cuda for value in inputs.values()):
            return self.executor.run(td)
        signature = tuple((key, value.shape, value.dtype) for key, value in inputs.items())
        if signature not in self._recordings:
            self._recordings[signature] = self._record(inputs)
        recording = self._recordings[signature]
        if recording is None:
            return self.executor.run(td)
        for key, value in inputs.items():
            recording.inputs[key].copy_(value)
        recording.graph.replay()
        return {key: value.clone() for key, value in recording.outputs.items()}

    def _record(self, inputs: dict[str, Tensor]) -> _Recording | None:
        static = {key: value.clone() for key, value in inputs.items()}
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(_WARM_UP):
                self.executor.run(static)
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                outputs = self.executor.run(static)
        except RuntimeError:
            torch.cuda.synchronize()
            return None
        return _Recording(graph, static, outputs)
