"""Executors chosen by aim."""

from __future__ import annotations

from typing import Any, cast

import pytest
import torch

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.executors.compiled import CompiledExecutor
from metta.agent.executors.performant import OptimizedExecutionEngine, PerformantExecutor
from metta.common.errors import ConfigError


def heads() -> ComponentContainer:
    network = ComponentContainer()
    network.add_component("encoder", LinearModule(3, 8, "observation", "features", activation="relu"))
    network.add_component("policy", LinearModule(8, 4, "features", "logits"))
    network.add_component("value", LinearModule(8, 1, "features", "values"))
    return network


@pytest.mark.parametrize("mode", ["throughput", "memory"])
def test_modes_give_the_network_s_outputs(mode: Any) -> None:
    network = heads()
    td = {"observation": torch.randn(5, 3)}
    expected = network._compute(td)
    executor = PerformantExecutor(network, mode=mode)
    for _ in range(2):
        outputs = executor.execute_fast(td)
        assert outputs["logits"].requires_grad
        torch.testing.assert_close(outputs["values"], expected["values"], rtol=1e-5, atol=1e-6)
    network.eval()
    outputs = executor.execute_fast(td)
    torch.testing.assert_close(outputs["logits"], expected["logits"], rtol=1e-5, atol=1e-6)
    assert outputs["logits"].is_inference() == (mode == "throughput")


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(ConfigError, match="expected 'throughput' or 'memory'"):
        PerformantExecutor(heads(), mode=cast(Any, "speed"))


def test_the_engine_tries_both_and_keeps_one() -> None:
    network = heads()
    engine = OptimizedExecutionEngine(network)
    expected = network._compute({"observation": torch.ones(2, 3)})
    for _ in range(12):
        torch.testing.assert_close(engine({"observation": torch.ones(2, 3)})["logits"], expected["logits"])
    assert engine.chosen in ("parallel", "compiled")
    del network["value"]
    engine({"observation": torch.ones(2, 3)})
    assert engine.chosen == "compiled"  # nothing is left to run at once


def test_the_straight_line_reads_like_one() -> None:
    executor = CompiledExecutor(heads())
    executor.run({"observation": torch.ones(2, 3)})
    assert executor.source.splitlines() == [
        "def line(td):",
        "    data = {'observation': td['observation']}",
        "    out0 = component0(data)  # 'encoder'",
        "    data.update(out0)",
        "    out1 = component1(data)  # 'policy'",
        "    data.update(out1)",
        "    out2 = component2(data)  # 'value'",
        "    return out0 | out1 | out2",
    ]
