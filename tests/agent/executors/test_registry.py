"""What holds for every executor: outputs and gradients of the network, new plans after changes."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import get_args

import pytest
import torch
from tensordict import TensorDict
from torch import Tensor

from metta.agent.components.linear import MLP, LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.executors.base import Executor
from metta.agent.executors.registry import EXECUTORS
from metta.agent.policy_config import ExecutorName
from metta.common.errors import KeyContractError, ShapeContractError

ALL = sorted(EXECUTORS)
SINKS = ("logits", "values")


def two_branches() -> ComponentContainer:
    """An encoder, then a trunk and a head for each of two outputs; registered against the order of the data."""
    torch.manual_seed(0)
    network = ComponentContainer()
    network.add_component("actor", LinearModule(8, 3, "actor_hidden", "logits"))
    network.add_component("actor_trunk", MLP(8, [8], "features", "actor_hidden", activation="tanh"))
    network.add_component("encoder", LinearModule(4, 8, "observation", "features", activation="relu"))
    network.add_component("critic_trunk", MLP(8, [8, 8], "features", "critic_hidden"))
    network.add_component("critic", LinearModule(8, 1, "critic_hidden", "values"))
    return network


def gradients(network: ComponentContainer, outputs: dict[str, Tensor]) -> dict[str, Tensor]:
    network.zero_grad()
    (outputs["logits"].square().sum() + outputs["values"].sum()).backward()
    return {name: p.grad.clone() for name, p in network.named_parameters() if p.grad is not None}


def test_the_config_offers_them_all() -> None:
    assert set(get_args(ExecutorName)) == set(EXECUTORS)


@pytest.mark.parametrize("name", ALL)
def test_outputs_and_gradients_are_those_of_the_network(name: str) -> None:
    network = two_branches()
    td = {"observation": torch.randn(6, 4)}
    expected = network._compute(td)
    expected_gradients = gradients(network, expected)
    executor = EXECUTORS[name](network)
    for _ in range(3):  # the first call checks, the next ones run by the plan
        outputs = executor.run(td)
        assert set(SINKS) <= set(outputs) <= set(expected)
        for key, value in outputs.items():
            torch.testing.assert_close(value, expected[key], rtol=1e-5, atol=1e-6)
        for key, gradient in gradients(network, outputs).items():
            torch.testing.assert_close(gradient, expected_gradients[key], rtol=1e-5, atol=1e-6)
    with torch.no_grad():
        assert not executor.run(td)["logits"].requires_grad
    with torch.inference_mode():
        assert executor.run(td)["values"].is_inference()
    assert set(td) == {"observation"}


@pytest.mark.parametrize("name", ALL)
def test_swaps_and_wrappers_are_noticed(name: str) -> None:
    network = two_branches()
    executor = EXECUTORS[name](network)
    td = {"observation": torch.randn(6, 4)}
    for _ in range(2):
        executor.run(td)
    network.swap_component("actor", LinearModule(8, 5, "actor_hidden", "logits"))
    assert [executor.run(td)["logits"].shape[-1] for _ in range(2)] == [5, 5]
    wrapper = network.wrap_component("actor", "clipping", {"logits": (-0.01, 0.01)})
    assert [float(executor.run(td)["logits"].detach().abs().max()) <= 0.0101 for _ in range(2)] == [True, True]
    wrapper.active = False
    assert float(executor.run(td)["logits"].detach().abs().max()) > 0.0101
    network.unwrap_component("actor")
    network.wrap_component("encoder", "no_grad")
    executor.run(td)
    assert not any(key.startswith("encoder") for key in gradients(network, executor.run(td)))
    with pytest.raises(ShapeContractError):
        network.swap_component("encoder", LinearModule(4, 7, "observation", "features"))
    del network["critic_trunk"]
    with pytest.raises(KeyContractError, match="critic_hidden"):
        executor.run(td)


@pytest.mark.parametrize("name", ALL)
def test_calls_write_into_the_data_and_signals_are_heard(name: str) -> None:
    network = two_branches()
    executor = EXECUTORS[name](network)
    td = TensorDict({"observation": torch.randn(6, 4)}, batch_size=[6])
    for _ in range(2):
        assert executor(td)["values"].shape == (6, 1)
    executor({"observation": torch.randn(6, 4), "_frozen_components": ["encoder"]})
    assert network.controller.is_frozen("encoder")


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("twin_of", [copy.deepcopy, lambda executor: pickle.loads(pickle.dumps(executor))])  # noqa: S301
def test_a_copy_runs_the_copied_network(name: str, twin_of: Callable[[Executor], Executor]) -> None:
    executor = EXECUTORS[name](two_branches())
    td = {"observation": torch.ones(2, 4)}
    executor.run(td)
    before = executor.run(td)["values"].clone()
    twin = twin_of(executor)
    with torch.no_grad():
        for parameter in twin.network.parameters():
            parameter.zero_()
    for _ in range(2):
        assert float(twin.run(td)["values"].detach().abs().sum()) == 0
        assert torch.equal(executor.run(td)["values"], before)
