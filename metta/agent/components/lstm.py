"""LSTM over steps or segments, with its state reset where an episode starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence

from metta.agent.components.inference import complete, size_of
from metta.agent.module import MEMORY_PREFIX, NEXT_MEMORY_PREFIX, MettaModule, Shape, TensorMap
from metta.common.env_spec import EnvSpec
from metta.common.errors import ShapeContractError


class LSTM(MettaModule):
    """Reads features and the state before the first step, writes the core's output and the state after the last step.

    The state is zeroed before each step whose ``first`` is true, also in the middle of a segment. Without such a step
    all segments run through the fused layer; otherwise they are cut at resets and run as packed sequences of unequal
    length, with the same results.

    Shapes (L layers, H ``hidden_size``; s segments of T steps, or B rows of one step): ``features [s, T, F]`` or
    ``[B, F]``, ``first [s, T] bool`` or ``[B]``, ``memory/<name>_h`` and ``memory/<name>_c [s or B, L, H]`` ->
    ``core [s, T, H]`` or ``[B, H]``, ``next_memory/<name>_h`` and ``next_memory/<name>_c [s or B, L, H]``.
    Source: Hochreiter and Schmidhuber 1997; forget bias 1: Jozefowicz et al. 2015.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        num_layers: int = 1,
        in_key: str = "features",
        out_key: str = "core",
        *,
        first_key: str = "first",
        memory_name: str = "lstm",
    ) -> None:
        state = self.state_shapes(hidden_size, num_layers, memory_name)
        self_keys = [MEMORY_PREFIX + name for name in state]
        next_keys = [NEXT_MEMORY_PREFIX + name for name in state]
        super().__init__(
            [in_key, first_key, *self_keys],
            [out_key, *next_keys],
            input_shapes={in_key: (in_features,), **{MEMORY_PREFIX + k: v for k, v in state.items()}},
            output_shapes={out_key: (hidden_size,), **{NEXT_MEMORY_PREFIX + k: v for k, v in state.items()}},
            memory_shapes=state,
        )
        self.in_key, self.first_key, self.out_key = in_key, first_key, out_key
        self.h_key, self.c_key = self_keys
        self.next_h_key, self.next_c_key = next_keys
        self.lstm = _initialized(nn.LSTM(in_features, hidden_size, num_layers, batch_first=True))

    @classmethod
    def infer(
        cls, config: Mapping[str, Any], in_keys: Sequence[str], shapes: Mapping[str, Shape], spec: EnvSpec | None
    ) -> dict[str, Any]:
        return complete(config, in_features=size_of(shapes, in_keys))

    @staticmethod
    def state_shapes(hidden_size: int, num_layers: int = 1, memory_name: str = "lstm") -> dict[str, tuple[int, ...]]:
        """What such a layer keeps per agent row."""
        return {f"{memory_name}_{part}": (num_layers, hidden_size) for part in ("h", "c")}

    def _compute(self, td: TensorMap) -> dict[str, Tensor]:
        x, first = td[self.in_key], td[self.first_key]
        if first.shape != x.shape[:-1] or x.ndim not in (2, 3):
            raise ShapeContractError(
                f"LSTM reads {self.in_key!r} [B, F] with {self.first_key!r} [B], or [s, T, F] with [s, T]; "
                f"got {list(x.shape)} with {list(first.shape)}."
            )
        reset = (first if x.ndim == 2 else first[:, 0])[:, None, None]
        h, c = td[self.h_key].masked_fill(reset, 0.0), td[self.c_key].masked_fill(reset, 0.0)
        if x.ndim == 2:
            out, h, c = self._step(x, h, c)
        elif bool(first[:, 1:].any()):  # on a GPU this waits for the device, once per minibatch
            out, h, c = self._run_cut(x, first, h, c)
        else:
            out, (h, c) = self.lstm(x, (h.transpose(0, 1).contiguous(), c.transpose(0, 1).contiguous()))
            h, c = h.transpose(0, 1), c.transpose(0, 1)
        return {self.out_key: out, self.next_h_key: h, self.next_c_key: c}

    def _step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states: list[tuple[Tensor, Tensor]] = []
        for layer, weights in enumerate(self.lstm.all_weights):
            states.append(torch.lstm_cell(x, (h[:, layer], c[:, layer]), *weights))
            x = states[-1][0]
        return x, torch.stack([h for h, _ in states], dim=1), torch.stack([c for _, c in states], dim=1)

    def _run_cut(self, x: Tensor, first: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Cut segments at resets, run the pieces together, put the results back in place::

        segment 0:  a a a|b b      pieces by length:  c c c c c    packed: c a d b | c a d b | c a d | c d | c
        segment 1:  c c c c c                         a a a
        segment 2:  d d d|e e ...                     ...
        """
        num_segments, horizon = first.shape
        starts = first.clone()
        starts[:, 0] = True
        begin = starts.flatten().nonzero().squeeze(1)  # step (counted over all segments) at which each piece begins
        piece = starts.flatten().cumsum(0) - 1  # piece of each step
        steps = torch.arange(piece.shape[0], device=x.device)
        age = steps - begin[piece]
        order = (
            age.new_zeros(begin.shape[0]).scatter_reduce_(0, piece, age, "amax").argsort(descending=True, stable=True)
        )
        rank = torch.empty_like(order).scatter_(0, order, torch.arange(order.shape[0], device=x.device))
        packing = (age * order.shape[0] + rank[piece]).argsort()
        unpacking = torch.empty_like(packing).scatter_(0, packing, steps)
        data = PackedSequence(x.flatten(0, 1).index_select(0, packing), age.bincount().cpu())
        # Pieces at a segment's start go on from its memory, the others from zeros (appended as one more segment).
        source = torch.where(begin % horizon == 0, begin // horizon, num_segments)[order]
        h, c = (nn.functional.pad(state, (0, 0, 0, 0, 0, 1)).transpose(0, 1)[:, source] for state in (h, c))
        packed, (h, c) = self.lstm(data, (h, c))
        last = rank[piece.view(num_segments, horizon)[:, -1]]
        out = packed.data.index_select(0, unpacking).view(num_segments, horizon, -1)
        return out, h[:, last].transpose(0, 1), c[:, last].transpose(0, 1)


def _initialized(lstm: nn.LSTM) -> nn.LSTM:
    size = lstm.hidden_size
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight"):
            for gate in parameter.data.split(size):  # one by one: a gate's units should differ, not the four gates'
                nn.init.orthogonal_(gate)
        else:
            nn.init.zeros_(parameter)
            if name.startswith("bias_ih"):
                nn.init.ones_(parameter.data[size : 2 * size])
    return lstm
