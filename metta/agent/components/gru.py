"""GRU over steps or segments, with its state reset where an episode starts."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metta.agent.packed import run_fused
from metta.agent.recurrent import RecurrentModule, State


class GRU(RecurrentModule):
    """Layers of gated recurrent units: three quarters of an LSTM's weights, half of its state.

    Shapes (L layers, H ``hidden_size``; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or ``[B, F]``,
    ``first [s, T] bool`` or ``[B]``, ``memory/<name>_h [s or B, L, H]`` -> ``core [s, T, H]`` or ``[B, H]``,
    ``next_memory/<name>_h [s or B, L, H]``.
    Source: arXiv:1406.1078, in the form of torch's fused layer (the reset gate after the product).
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
        memory_name: str = "gru",
    ) -> None:
        shapes = {"h": (num_layers, hidden_size)}
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.gru = nn.GRU(in_features, hidden_size, num_layers, batch_first=True)
        for name, parameter in self.gru.named_parameters():
            if name.startswith("weight"):
                for gate in parameter.data.split(hidden_size):
                    nn.init.orthogonal_(gate)
            else:
                nn.init.zeros_(parameter)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        if x.shape[1] > 1:
            out, (h,) = run_fused(self.gru, x, first, (state["h"],))
            return out, {"h": h}
        step, after = x[:, 0], []
        for layer, weights in enumerate(self.gru.all_weights):
            step = torch.gru_cell(step, state["h"][:, layer], *weights)
            after.append(step)
        return step.unsqueeze(1), {"h": torch.stack(after, dim=1)}
