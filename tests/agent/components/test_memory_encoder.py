"""MemoryAugmentedEncoder: memory made when absent, slots that differ, both conventions."""

from __future__ import annotations

import pytest
import torch
from tensordict import TensorDict

from metta.agent.components.memory_encoder import MemoryAugmentedEncoder
from metta.agent.container import ComponentContainer
from metta.common.errors import ConfigError, ShapeContractError


def test_memory_is_made_when_absent_and_handed_on() -> None:
    torch.manual_seed(0)
    encoder, obs = MemoryAugmentedEncoder(input_dim=5, hidden_dim=16, memory_size=3), torch.randn(2, 5)
    td = encoder(TensorDict({"observation": obs}, batch_size=[2]))
    assert td["prev_memory"].shape == (2, 3, 16)
    assert not td["prev_memory"].any()
    again = encoder({"observation": obs, "prev_memory": td["updated_memory"]})
    assert not torch.equal(again["encoding"], td["encoding"])


def test_slots_learn_different_things() -> None:
    torch.manual_seed(0)
    encoder = MemoryAugmentedEncoder(5, 16, 3)
    td = encoder({"observation": torch.randn(2, 8, 5)})
    slots = td["updated_memory"].detach()
    assert (slots[:, 0] - slots[:, 1]).abs().max() > 1e-3
    assert td["encoding"].shape == (2, 8, 16)


def test_both_conventions_compute_the_same() -> None:
    torch.manual_seed(0)
    own = MemoryAugmentedEncoder(5, 16, 3)
    kept = MemoryAugmentedEncoder(5, 16, 3, memory_name="notes")
    kept.load_state_dict(own.state_dict())
    assert kept.memory_shapes == {"notes_slots": (3, 16)}
    obs, memory = torch.randn(2, 4, 5), torch.randn(2, 3, 16)
    one = own({"observation": obs, "prev_memory": memory})
    two = kept(
        {"observation": obs, "first": torch.zeros(2, 4, dtype=torch.bool), "memory/notes_slots": memory},
    )
    assert torch.equal(one["encoding"], two["encoding"])
    assert torch.equal(one["updated_memory"], two["next_memory/notes_slots"])


def test_in_a_container_memory_may_be_absent() -> None:
    network = ComponentContainer({"observation": (5,)})
    network.add_component("encoder", MemoryAugmentedEncoder(5, 16, 3))
    obs = torch.randn(2, 5)
    assert torch.equal(network({"observation": obs})["encoding"], network({"observation": obs})["encoding"])


def test_what_does_not_fit_is_told() -> None:
    with pytest.raises(ConfigError, match="width of 12 cannot be shared by 8 heads"):
        MemoryAugmentedEncoder(5, 12, 3)
    with pytest.raises(ShapeContractError, match="'prev_memory' with shape"):
        MemoryAugmentedEncoder(5, 16, 3)({"observation": torch.zeros(2, 5), "prev_memory": torch.zeros(2, 4, 16)})
