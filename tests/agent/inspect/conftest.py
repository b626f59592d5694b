"""A network with everything that pictures show."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from metta.agent.components.linear import MLP, LinearModule
from metta.agent.container import ComponentContainer


@pytest.fixture
def network() -> ComponentContainer:
    """Encoder (frozen) -> trunk -> actor (two wrappers, one off), critic; the critic reads a late input too."""
    made = ComponentContainer({"observation": (6,), "late": (4,)})
    made.add_component("encoder", LinearModule(6, 8, "observation", "features", activation="relu"))
    made.add_component("trunk", MLP(8, [4], "features", "hidden"))
    made.add_component("actor", LinearModule(4, 3, "hidden", "logits"))
    made.add_component("critic", LinearModule(4, 1, "late", "values"), dependencies=["trunk"])
    made.wrap_component("encoder", "no_grad")
    made.wrap_component("actor", "clipping", {"logits": (-1, 1)})
    made.wrap_component("actor", "learning_rate", {"learning_rate": 1e-3}).active = False
    return made


@pytest.fixture
def data() -> dict[str, Tensor]:
    return {"observation": torch.ones(5, 6), "late": torch.ones(5, 4)}
