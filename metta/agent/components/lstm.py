"""LSTM over steps or segments, with its state reset where an episode starts."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from metta.agent.components.dense import all_run_natively
from metta.agent.components.native_lstm import run_native
from metta.agent.packed import run_fused
from metta.agent.recurrent import RecurrentModule, State, StateShapes, forget


class LSTM(RecurrentModule):
    """Layers of LSTM. On the CPU native kernels run them (equal bits for any number of threads); elsewhere torch's
    fused layer runs segments, and one cell after the other single steps.

    Shapes (L layers, H ``hidden_size``; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or ``[B, F]``,
    ``first [s, T] bool`` or ``[B]``, ``memory/<name>_h`` and ``memory/<name>_c [s or B, L, H]`` -> ``core [s, T, H]``
    or ``[B, H]``, ``next_memory/<name>_h`` and ``next_memory/<name>_c [s or B, L, H]``.
    Source: Hochreiter and Schmidhuber 1997; forget bias 1: Jozefowicz et al. 2015.
    """

    forgets = True

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
        shapes: StateShapes = dict.fromkeys(("h", "c"), (num_layers, hidden_size))
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.lstm = _initialized(nn.LSTM(in_features, hidden_size, num_layers, batch_first=True))

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        h, c = state["h"], state["c"]
        weights = cast(Tensor, self.lstm.weight_hh_l0)
        steps = x.shape[0] * x.shape[1]
        if all_run_natively(steps, (weights, x)) and weights.shape[1] == self.out_features:
            out, h, c = run_native(self.lstm, x, first, h, c)
            return out, {"h": h, "c": c}
        h, c = forget(h, first[:, 0]), forget(c, first[:, 0])
        if x.shape[1] == 1:
            out, h, c = self._step(x[:, 0], h, c)
            return out.unsqueeze(1), {"h": h, "c": c}
        out, (h, c) = run_fused(self.lstm, x, first, (h, c))
        return out, {"h": h, "c": c}

    def _step(self, x: Tensor, h: Tensor, c: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        states: list[tuple[Tensor, Tensor]] = []
        for layer, weights in enumerate(self.lstm.all_weights):
            states.append(torch.lstm_cell(x, (h[:, layer], c[:, layer]), *weights))
            x = states[-1][0]
        return x, torch.stack([h for h, _ in states], dim=1), torch.stack([c for _, c in states], dim=1)


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
