"""CausalConv: a short convolution over the past of each channel."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metta.agent.recurrent import RecurrentModule, State, steps_since_reset


class CausalConv(RecurrentModule):
    """Depthwise convolution over the last ``kernel`` steps, then a linear layer: nothing older is remembered.

    Shapes (W ``kernel``; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or ``[B, F]``, ``first``,
    ``memory/<name>_past [s or B, W - 1, F]`` -> ``core [s, T, H]`` or ``[B, H]``, ``next_memory/<name>_past``.
    Source: the convolution before the recurrences of arXiv:2312.00752 (fig. 3) and arXiv:2405.04517 (fig. 9).
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        kernel: int = 4,
        in_key: str = "features",
        out_key: str = "core",
        *,
        first_key: str = "first",
        memory_name: str = "conv",
    ) -> None:
        shapes = {"past": (kernel - 1, in_features)}
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.taps = nn.Parameter(torch.empty(kernel, in_features).uniform_(-(kernel**-0.5), kernel**-0.5))
        self.bias = nn.Parameter(torch.zeros(in_features))
        self.out = nn.Linear(in_features, hidden_size)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        mixed, past = causal_conv(x, first, state["past"], self.taps, self.bias)
        return self.out(nn.functional.silu(mixed)), {"past": past}


def causal_conv(x: Tensor, first: Tensor, past: Tensor, taps: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """``y[t] = bias + sum_j taps[j] * x[t - j]`` over the steps of the same episode, and the inputs to keep.

    Shapes: ``x [s, T, F]``, ``first [s, T] bool``, ``past [s, W - 1, F]`` (oldest first), ``taps [W, F]``, ``bias [F]``
    -> ``[s, T, F]``, ``[s, W - 1, F]``.
    """
    reach, horizon = taps.shape[0] - 1, x.shape[1]
    if reach == 0:
        return torch.addcmul(bias, x, taps[0]), past
    whole = torch.cat([past, x], dim=1)
    age = steps_since_reset(first)
    y = torch.addcmul(bias, x, taps[0])
    for back in range(1, reach + 1):
        shifted = whole[:, reach - back : reach - back + horizon]
        # An age of more than T steps reaches back into `past` as far as it goes: there it is zero where it must be.
        seen = (age >= back) | (age > horizon)
        y = torch.addcmul(y, shifted * seen.unsqueeze(-1), taps[back])
    lag = torch.arange(reach - 1, -1, -1, device=x.device)
    kept = (lag <= age[:, -1:]) | (age[:, -1:] > horizon)
    return y, whole[:, -reach:] * kept.unsqueeze(-1)
