"""The straight line: it is what the network does, whatever names and keys are called."""

from __future__ import annotations

import torch

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.executors.compiled import CompiledExecutor, bind_line, write_line

HOSTILE = "x'}); raise SystemExit('ran')\n#\\"


def test_names_and_keys_stand_as_literals() -> None:
    network = ComponentContainer()
    network.add_component("a'\nraise SystemExit", LinearModule(3, 4, HOSTILE, '"""'))
    network.add_component("b", LinearModule(4, 2, '"""', "}{"))
    x = torch.randn(5, 3)
    line = bind_line(network, write_line(network))
    assert line({HOSTILE: x})["}{"].equal(network({HOSTILE: x})["}{"])


def test_a_swap_is_seen() -> None:
    network = ComponentContainer()
    network.add_component("policy", LinearModule(3, 2, "x", "y"))
    executor = CompiledExecutor(network)
    x = torch.randn(5, 3)
    before = executor.run({"x": x})["y"]
    network.swap_component("policy", LinearModule(3, 2, "x", "y", bias=False))
    after = executor.run({"x": x})["y"]
    assert not before.equal(after)
    assert after.equal(network({"x": x})["y"])
