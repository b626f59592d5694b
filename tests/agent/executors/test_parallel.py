"""Branches: which run at once, and what happens when one fails."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.executors.branches import needs_of, stages_of
from metta.agent.executors.parallel import ParallelExecutor
from metta.agent.module import MettaModule, TensorMap


class Meet(MettaModule):
    """Waits until as many as ``barrier`` counts are here."""

    def __init__(self, out_key: str, wait: Callable[[], object]) -> None:
        super().__init__(["f"], [out_key])
        self.out_key, self.wait = out_key, wait

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        self.wait()
        return {self.out_key: td["f"] + 1}


def network_of(*heads: MettaModule) -> ComponentContainer:
    network = ComponentContainer()
    network.add_component("encoder", LinearModule(2, 2, "x", "f"))
    for index, head in enumerate(heads):
        network.add_component(f"head{index}", head)
    return network


def test_branches_run_at_the_same_time() -> None:
    barrier = threading.Barrier(3, timeout=20)
    network = network_of(*(Meet(key, lambda: barrier.wait() if at_once else None) for key in "abc"))
    executor, at_once = ParallelExecutor(network), False
    executor.run({"x": torch.zeros(1, 2)})  # this one checks, in order
    at_once = True
    assert set(executor.run({"x": torch.zeros(1, 2)})) == {"f", "a", "b", "c"}
    assert executor.stages == [[("encoder",)], [("head0",), ("head1",), ("head2",)]]
    assert executor.has_branches


def test_an_error_in_a_branch_is_raised() -> None:
    def fail() -> None:
        if armed:
            raise RuntimeError("head1 broke")

    armed = False
    executor = ParallelExecutor(network_of(Meet("a", lambda: None), Meet("b", fail)))
    executor.run({"x": torch.zeros(1, 2)})
    armed = True
    with pytest.raises(RuntimeError, match="head1 broke"):
        executor.run({"x": torch.zeros(1, 2)})


def test_chains_join_where_data_or_dependencies_do() -> None:
    needs = {"a": set[str](), "b": {"a"}, "c": {"b"}, "d": {"a"}, "e": {"c", "d"}, "f": {"e"}, "g": set[str]()}
    assert stages_of(needs) == [[("a",), ("g",)], [("b", "c"), ("d",)], [("e", "f")]]
    network = network_of()
    network.add_component("late", LinearModule(2, 2, "x", "g"), dependencies=["encoder"])
    assert needs_of(network) == {"encoder": set(), "late": {"encoder"}}
