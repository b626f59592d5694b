"""A small component, its input, and a network of three."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from metta.agent.components.linear import LinearModule
from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule, TensorMap


class Block(MettaModule):
    """A linear layer with dropout and batch statistics, so that modes and buffers are at stake."""

    def __init__(self, in_features: int = 3, out_features: int = 4) -> None:
        super().__init__(
            ["features"],
            ["logits"],
            input_shapes={"features": (in_features,)},
            output_shapes={"logits": (out_features,)},
        )
        self.linear = nn.Linear(in_features, out_features)
        self.norm = nn.BatchNorm1d(out_features)
        self.dropout = nn.Dropout(0.5)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        return {"logits": self.dropout(self.norm(self.linear(td["features"])))}


@pytest.fixture
def block() -> Block:
    torch.manual_seed(0)
    return Block()


@pytest.fixture
def policy() -> LinearModule:
    """``features [..., 3]`` -> ``logits [..., 4]``."""
    torch.manual_seed(0)
    return LinearModule(3, 4, "features", "logits")


@pytest.fixture
def features() -> Tensor:
    return torch.randn(6, 3, generator=torch.Generator().manual_seed(1))


@pytest.fixture
def make_network() -> Callable[[], ComponentContainer]:
    """``observation [..., 3]`` -> encoder -> ``features [..., 8]`` -> policy, value. Equal weights each time."""

    def make() -> ComponentContainer:
        torch.manual_seed(0)
        network = ComponentContainer({"observation": (3,)})
        network.add_component("encoder", LinearModule(3, 8, "observation", "features", activation="tanh"))
        network.add_component("policy", LinearModule(8, 4, "features", "action_logits"))
        network.add_component("value", LinearModule(8, 1, "features", "state_value"))
        return network

    return make
