"""MemoryAugmentedEncoder: an encoder that reads from and writes to a few slots of memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from metta.agent.components.inference import complete, size_of
from metta.agent.components.slstm import check_heads
from metta.agent.module import MEMORY_PREFIX, NEXT_MEMORY_PREFIX, Data, MettaModule, Shape, TensorMap
from metta.agent.recurrent import forget
from metta.common.env_spec import EnvSpec


class MemoryAugmentedEncoder(MettaModule):
    """Encodes an observation, attends to the slots, and updates each slot by how much it was attended to.

    Slots differ by a learned address, so that they do not all learn the same. With ``memory_name`` the memory is a
    policy's: ``memory/<name>_slots``, zeroed before steps whose ``first`` is true, also inside segments. Without it, it
    comes as ``prev_memory`` (zeros when absent), leaves as ``updated_memory``, and nothing resets it.

    Shapes (K ``memory_size`` slots, H ``hidden_dim``): ``observation [B, F]`` or ``[s, T, F]``,
    ``prev_memory [B or s, K, H]`` -> ``encoding [B, H]`` or ``[s, T, H]``, ``updated_memory [B or s, K, H]``.
    Source: content addressing and gated writing, arXiv:1410.5401 sec. 3; gated update: arXiv:1406.1078.

    >>> encoder = MemoryAugmentedEncoder(input_dim=5, hidden_dim=16, memory_size=3)
    >>> td = encoder({"observation": torch.randn(2, 5)})
    >>> td["encoding"].shape, td["updated_memory"].shape
    (torch.Size([2, 16]), torch.Size([2, 3, 16]))
    """

    def __init__(
        self,
        input_dim: int,
        hidden_dim: int,
        memory_size: int,
        in_key: str = "observation",
        out_key: str = "encoding",
        *,
        num_heads: int = 8,
        first_key: str = "first",
        memory_name: str | None = None,
    ) -> None:
        check_heads("MemoryAugmentedEncoder", hidden_dim, num_heads)
        slots, own = (memory_size, hidden_dim), f"{memory_name}_slots"
        before, after = ("prev_memory", "updated_memory")
        if memory_name is not None:
            before, after = MEMORY_PREFIX + own, NEXT_MEMORY_PREFIX + own
        super().__init__(
            [in_key, before] if memory_name is None else [in_key, first_key, before],
            [out_key, after],
            input_shapes={in_key: (input_dim,), before: slots},
            output_shapes={out_key: (hidden_dim,), after: slots},
            memory_shapes=None if memory_name is None else {own: slots},
        )
        self.in_key, self.out_key, self.before, self.after = in_key, out_key, before, after
        self.first_key = None if memory_name is None else first_key
        self.optional_keys = (before,) if memory_name is None else ()
        self.slots, self.num_heads = slots, num_heads
        self.encoder = nn.Linear(input_dim, hidden_dim)
        self.addresses = nn.Parameter(torch.randn(memory_size, hidden_dim) * hidden_dim**-0.5)
        self.memory_attention = nn.MultiheadAttention(hidden_dim, num_heads, batch_first=True)
        self.memory_update = nn.GRUCell(hidden_dim, hidden_dim)

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        """``input_dim`` is the last size of the first input."""
        return complete(config, input_dim=size_of(shapes, in_keys))

    def forward(self, tensordict: Data) -> Data:
        """As every component; an absent ``prev_memory`` is written too."""
        if self.optional_keys and tensordict.get(self.before, None) is None:
            x = tensordict.get(self.in_key, None)
            if x is not None:
                tensordict[self.before] = torch.zeros(x.shape[0], *self.slots, device=x.device)
        return super().forward(tensordict)

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        encoded = self.encoder(td[self.in_key])
        memory = td.get(self.before, None)
        if memory is None:
            memory = torch.zeros(encoded.shape[0], *self.slots, device=encoded.device)
        first = None if self.first_key is None else td[self.first_key]
        if encoded.ndim == 2:
            out, memory = self._step(encoded, memory if first is None else forget(memory, first))
            return {self.out_key: out, self.after: memory}
        outs: list[Tensor] = []
        for t in range(encoded.shape[1]):
            out, memory = self._step(encoded[:, t], memory if first is None else forget(memory, first[:, t]))
            outs.append(out)
        return {self.out_key: torch.stack(outs, dim=1), self.after: memory}

    def _step(self, encoded: Tensor, memory: Tensor) -> tuple[Tensor, Tensor]:
        """Shapes: ``encoded [B, H]``, ``memory [B, K, H]`` -> ``[B, H]``, ``[B, K, H]``."""
        keys = memory + self.addresses
        read, shares = self.memory_attention(encoded.unsqueeze(1), keys, keys)  # [B, 1, H], [B, 1, K]
        encoding = encoded + read.squeeze(1)
        written = self.memory_update(
            encoding.unsqueeze(1).expand_as(memory).flatten(0, 1), memory.flatten(0, 1)
        ).view_as(memory)
        return encoding, torch.lerp(memory, written, shares.transpose(1, 2))
