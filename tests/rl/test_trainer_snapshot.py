"""Parts of a trainer become named tensors and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from metta.common.errors import CheckpointError
from metta.rl.trainer_snapshot import flatten_optimizer, part, restore_optimizer, with_prefix


def test_prefixes_are_undone() -> None:
    tensors = {**with_prefix("env", {"a": np.ones(2), "b/c": torch.zeros(1)}), **with_prefix("envy", {"a": np.ones(1)})}
    assert sorted(tensors) == ["env/a", "env/b/c", "envy/a"]
    assert sorted(part("env", tensors)) == ["a", "b/c"]


def test_tensors_are_copied() -> None:
    array, tensor = np.ones(2), torch.ones(2)
    stored = with_prefix("x", {"array": array, "tensor": tensor})
    array[:], tensor[:] = 5, 5
    assert float(stored["x/array"].sum() + stored["x/tensor"].sum()) == 4


def trained(steps: int, width: int = 2) -> tuple[torch.nn.Linear, torch.optim.Optimizer]:
    layer = torch.nn.Linear(width, 1)
    torch.nn.init.ones_(layer.weight)
    torch.nn.init.zeros_(layer.bias)
    optimizer = torch.optim.Adam(layer.parameters(), lr=0.1, fused=True)
    for _ in range(steps):
        optimizer.zero_grad()
        layer(torch.ones(1, width)).sum().backward()
        optimizer.step()
    return layer, optimizer


def test_a_restored_optimizer_takes_the_same_steps() -> None:
    whole, _ = trained(5)
    layer, optimizer = trained(3)
    state, weights = flatten_optimizer(optimizer), {k: v.clone() for k, v in layer.state_dict().items()}
    other, fresh = trained(0)
    other.load_state_dict(weights)
    restore_optimizer(fresh, {name: tensor.clone() for name, tensor in state.items()})
    for _ in range(2):
        fresh.zero_grad()
        other(torch.ones(1, 2)).sum().backward()
        fresh.step()
    assert torch.equal(whole.weight, other.weight)


def test_a_state_of_more_parameters_is_refused() -> None:
    _, optimizer = trained(1)
    with pytest.raises(CheckpointError, match="has 3 parameters, this policy has 2"):
        restore_optimizer(optimizer, {**flatten_optimizer(optimizer), "2/step": torch.ones(())})


def test_a_state_before_the_first_step_is_empty() -> None:
    _, optimizer = trained(0)
    assert flatten_optimizer(optimizer) == {}
    restore_optimizer(optimizer, {})
