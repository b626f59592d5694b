"""What a recurrent policy remembers of each agent row between steps."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from metta.common.errors import ShapeContractError

Rows = slice | Tensor
MemorySpec = dict[str, tuple[tuple[int, ...], torch.dtype]]


class Memory:
    """Named tensors with a row per agent. Not parameters: they belong to a rollout, not to the network.

    Shapes: ``tensors[name] [rows, *shape]``.

    >>> memory = Memory({"lstm_h": ((1, 4), torch.float32)}, num_rows=3)
    >>> memory.tensors["lstm_h"].shape
    torch.Size([3, 1, 4])
    """

    def __init__(self, spec: MemorySpec, num_rows: int = 0, device: torch.device | str = "cpu") -> None:
        self.spec = spec
        self.num_rows = num_rows
        self.tensors = {
            name: torch.zeros(num_rows, *shape, dtype=dtype, device=device) for name, (shape, dtype) in spec.items()
        }

    def read(self, rows: Rows | None) -> dict[str, Tensor]:
        """The memory of ``rows`` (None: all). A slice gives views."""
        if rows is None:
            return self.tensors
        return {name: tensor[rows] for name, tensor in self.tensors.items()}

    def write(self, rows: Rows | None, values: Mapping[str, Tensor]) -> None:
        """Overwrite the memory of ``rows``."""
        for name, tensor in self.tensors.items():
            tensor[slice(None) if rows is None else rows] = values[name]

    def reset(self, rows: Rows | None = None) -> None:
        """Forget: zeros for ``rows`` (None: all)."""
        for tensor in self.tensors.values():
            tensor[slice(None) if rows is None else rows] = 0

    def state(self) -> dict[str, Tensor]:
        """A copy that later steps do not change."""
        return {name: tensor.clone() for name, tensor in self.tensors.items()}

    def load(self, state: Mapping[str, Tensor]) -> None:
        """Take over a copy that ``state`` made.

        Raises:
            ShapeContractError: other names, shapes or row counts than this memory has.
        """
        mine = {name: list(tensor.shape) for name, tensor in self.tensors.items()}
        theirs = {name: list(tensor.shape) for name, tensor in state.items()}
        if mine != theirs:
            raise ShapeContractError(
                f"memory to load is {theirs}, this policy has {mine}. The state belongs to another policy_architecture "
                f"or another number of agents; call init_memory(num_rows) first."
            )
        for name, tensor in self.tensors.items():
            tensor.copy_(state[name])
