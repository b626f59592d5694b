"""What a trace holds, and that it leaves nothing behind."""

from __future__ import annotations

import pytest
from torch import Tensor

from metta.agent.container import ComponentContainer
from metta.agent.executors.compiled import CompiledExecutor
from metta.agent.inspect.trace import recording


def test_steps_of_every_way_to_run(network: ComponentContainer, data: dict[str, Tensor]) -> None:
    executor = CompiledExecutor(network)
    for _ in range(2):
        executor.run(data)
    with recording(network) as trace:
        network(dict(data))
        executor.run(data)
        executor.run(data)
    assert [step.name for step in trace.steps] == 3 * ["encoder", "trunk", "actor", "critic"]
    encoder = trace.steps[0]
    assert (encoder.class_name, encoder.inputs, encoder.outputs) == (
        "LinearModule", {"observation": (5, 6)}, {"features": (5, 8)},
    )  # fmt: skip
    assert encoder.output_bytes == 5 * 8 * 4
    assert trace.seconds > 0
    assert trace.shapes["logits"] == (5, 3)
    executor.run(data)
    network(dict(data))
    assert len(trace.steps) == 12


def test_a_failing_component_leaves_no_watch(network: ComponentContainer, data: dict[str, Tensor]) -> None:
    with pytest.raises(KeyError), recording(network):
        raise KeyError("elsewhere")
    assert not any("_compute" in vars(component) for component in network.values())
    assert network(dict(data))["logits"].shape == (5, 3)
