"""LSTMModule: an LSTM that is handed its states under plain keys, and makes them where there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from tensordict import TensorDictBase
from torch import Tensor, nn

from metta.agent.components.inference import complete, size_of
from metta.agent.module import Data, MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec


class LSTMModule(MettaModule):
    """One layer over whole sequences, states in and out; the caller keeps them and resets them.

    Absent states are zeros. They may be laid out as torch does, ``[1, B, H]``, or by row, ``[B, 1, H]``, as a
    TensorDict with a batch size needs it; the new ones come in the same layout. For policies take ``LSTM``, which
    knows episodes.

    Shapes: ``sequence [B, T, F]``, ``hidden_state`` and ``cell_state [1, B, H]`` or ``[B, 1, H]`` or absent ->
    ``output [B, T, H]``, ``new_hidden``, ``new_cell``.

    >>> module = LSTMModule(3, 8)
    >>> td = module({"sequence": torch.randn(2, 5, 3)})
    >>> td["output"].shape, td["new_hidden"].shape
    (torch.Size([2, 5, 8]), torch.Size([1, 2, 8]))
    """

    optional_keys = ("hidden_state", "cell_state")

    def __init__(self, input_size: int, hidden_size: int) -> None:
        states = ("hidden_state", "cell_state")
        super().__init__(
            ["sequence", *states],
            ["output", "new_hidden", "new_cell"],
            input_shapes={"sequence": (input_size,), **dict.fromkeys(states, (None, hidden_size))},
            output_shapes={
                "output": (hidden_size,),
                "new_hidden": (None, hidden_size),
                "new_cell": (None, hidden_size),
            },
        )
        self.lstm = nn.LSTM(input_size, hidden_size, batch_first=True)
        self.hidden_size = hidden_size

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        """``input_size`` is the last size of the sequence."""
        return complete(config, input_size=size_of(shapes, in_keys))

    def forward(self, tensordict: Data) -> Data:
        """As every component; absent states are written too, so that the caller sees what was used."""
        x = tensordict.get("sequence", None)
        by_row = isinstance(tensordict, TensorDictBase) and len(tensordict.batch_size) > 0
        for key in self.optional_keys:
            if x is not None and tensordict.get(key, None) is None:
                tensordict[key] = self._zeros(x, by_row=by_row)
        return super().forward(tensordict)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x = td["sequence"]
        states = [td.get(key, None) for key in self.optional_keys]
        states = [self._zeros(x, by_row=False) if state is None else state for state in states]
        by_row = states[0].shape[0] != 1
        if by_row:
            states = [state.transpose(0, 1).contiguous() for state in states]
        output, (hidden, cell) = self.lstm(x, tuple(states))
        if by_row:
            hidden, cell = hidden.transpose(0, 1), cell.transpose(0, 1)
        return {"output": output, "new_hidden": hidden, "new_cell": cell}

    def _zeros(self, x: Tensor, *, by_row: bool) -> Tensor:
        shape = (x.shape[0], 1) if by_row else (1, x.shape[0])
        return torch.zeros(*shape, self.hidden_size, device=x.device)
