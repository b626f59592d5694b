"""Memory: rows, resets, copies."""

from __future__ import annotations

import pytest
import torch

from metta.agent.memory import Memory
from metta.common.errors import ShapeContractError


def filled() -> Memory:
    memory = Memory({"h": ((2,), torch.float32)}, num_rows=4)
    memory.write(None, {"h": torch.arange(8.0).view(4, 2)})
    return memory


@pytest.mark.parametrize("rows", [slice(1, 3), torch.tensor([1, 2])])
def test_read_and_write_rows(rows: slice | torch.Tensor) -> None:
    memory = filled()
    assert memory.read(rows)["h"].tolist() == [[2, 3], [4, 5]]
    memory.write(rows, {"h": torch.ones(2, 2)})
    assert memory.read(None)["h"].tolist() == [[0, 1], [1, 1], [1, 1], [6, 7]]


def test_reset_rows_and_all() -> None:
    memory = filled()
    memory.reset(torch.tensor([3]))
    assert memory.tensors["h"][:, 0].tolist() == [0, 2, 4, 0]
    memory.reset()
    assert not memory.tensors["h"].any()


def test_state_is_a_copy_and_comes_back() -> None:
    memory = filled()
    state = memory.state()
    memory.reset()
    memory.load(state)
    assert memory.tensors["h"].tolist() == [[0, 1], [2, 3], [4, 5], [6, 7]]


def test_foreign_state_is_refused() -> None:
    with pytest.raises(ShapeContractError, match=r"another policy_architecture"):
        filled().load({"h": torch.zeros(3, 2)})
