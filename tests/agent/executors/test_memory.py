"""Less memory: what is dropped, what is computed again, what is not."""

from __future__ import annotations

import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.executors.memory import MemoryExecutor
from metta.agent.module import TensorMap


class Counting(LinearModule):
    """Counts its forward passes."""

    calls = 0

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        self.calls += 1
        return super()._compute(td)


def chain() -> tuple[ComponentContainer, list[Counting]]:
    layers = [Counting(4, 4, f"x{i}", f"x{i + 1}", activation="tanh") for i in range(3)]
    network = ComponentContainer()
    for index, layer in enumerate(layers):
        network.add_component(f"layer{index}", layer)
    return network, layers


def test_only_what_is_wanted_stays() -> None:
    network, _ = chain()
    td = {"x0": torch.randn(2, 4)}
    for executor, kept in ((MemoryExecutor(network), {"x3"}), (MemoryExecutor(network, ["x1", "x3"]), {"x1", "x3"})):
        for _ in range(2):
            assert set(executor.run(td)) == kept


def test_activations_are_computed_again_in_the_backward() -> None:
    network, layers = chain()
    executor = MemoryExecutor(network)
    td = {"x0": torch.randn(2, 4)}
    executor.run(td)
    network.wrap_component("layer1", "gradient_clipping", {"max_norm": 1.0})
    executor.run(td)
    for layer in layers:
        layer.calls = 0
    outputs = executor.run(td)
    outputs["x3"].sum().backward()
    assert [layer.calls for layer in layers] == [2, 1, 2]  # a wrapped one would count what it sees twice
    with torch.no_grad():
        executor.run(td)
    assert [layer.calls for layer in layers] == [3, 2, 3]
