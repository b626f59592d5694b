"""SLSTM: an LSTM with exponential gates and heads that mix only within themselves."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metta.agent.recurrent import RecurrentModule, State, StateShapes
from metta.common.errors import ConfigError


class SLSTM(RecurrentModule):
    """Scalar memory with exponential input gates, so that a strong new event can outweigh everything stored.

    The gates see the previous output, so steps run one after the other; what depends on the input alone is computed
    for the whole segment at once. ``m`` is the logarithm by which cell and normaliser are scaled down; outputs do not
    depend on it. An unused state (``n`` zero) has no scale yet.

    Shapes (H ``hidden_size``; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or ``[B, F]``, ``first``,
    ``memory/<name>_{h,c,n,m} [s or B, H]`` -> ``core [s, T, H]`` or ``[B, H]``, ``next_memory/<name>_{h,c,n,m}``.
    Source: arXiv:2405.04517 sec. 2.2 (eq. 8 to 17, sigmoid forget gate).
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        num_heads: int = 4,
        in_key: str = "features",
        out_key: str = "core",
        *,
        first_key: str = "first",
        memory_name: str = "slstm",
    ) -> None:
        check_heads("SLSTM", hidden_size, num_heads)
        shapes: StateShapes = dict.fromkeys(("h", "c", "n", "m"), (hidden_size,))
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.num_heads, head_size = num_heads, hidden_size // num_heads
        self.gates = nn.Linear(in_features, 4 * hidden_size)
        self.recur = nn.Parameter(torch.empty(num_heads, head_size, 4 * head_size))
        nn.init.normal_(self.recur, std=head_size**-0.5 / 2)
        with torch.no_grad():  # forget gates between one half and 0.98 at first: memories of many lengths
            self.gates.bias.zero_()
            self.gates.bias.view(num_heads, 4, head_size)[:, 1] = torch.linspace(0.0, 4.0, head_size)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``. Inside, tensors are laid out by head: ``[heads, s, size of a head]``."""
        driven = self.gates(x).unflatten(-1, (self.num_heads, -1)).permute(1, 2, 0, 3)  # [T, heads, s, 4 * size]
        h, c, n, m = (state[part].unflatten(-1, (self.num_heads, -1)).transpose(0, 1) for part in ("h", "c", "n", "m"))
        keep = (~first).to(x.dtype).t()[:, None, :, None]
        cut = [False, *first[:, 1:].any(0).tolist()]  # steps without any reset need no multiplication
        outs: list[Tensor] = []
        for t in range(x.shape[1]):
            if cut[t]:
                h, c, n, m = (part * keep[t] for part in (h, c, n, m))
            h, c, n, m = self._step(torch.baddbmm(driven[t], h, self.recur), c, n, m)
            outs.append(h)
        after = {"h": h, "c": c, "n": n, "m": m}
        out = torch.stack(outs).permute(2, 0, 1, 3).flatten(2)
        return out, {part: value.transpose(0, 1).flatten(1) for part, value in after.items()}

    @staticmethod
    def _step(gates: Tensor, c: Tensor, n: Tensor, m: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        write, forget, cell, out = gates.chunk(4, dim=-1)
        kept = nn.functional.logsigmoid(forget) + m.masked_fill(n == 0, float("-inf"))
        scale = torch.maximum(kept, write).detach()
        kept, write = (kept - scale).exp(), (write - scale).exp()
        c = torch.addcmul(kept * c, write, cell.tanh())
        n = torch.addcmul(write, kept, n)
        return out.sigmoid() * (c / n), c, n, scale


def check_heads(name: str, size: int, num_heads: int) -> None:
    """Raise unless ``num_heads`` share ``size`` evenly.

    Raises:
        ConfigError: they do not.
    """
    if size % num_heads:
        fitting = [heads for heads in range(1, size + 1) if size % heads == 0]
        raise ConfigError(
            f"{name}: a width of {size} cannot be shared by {num_heads} heads. Set the number of heads to one of "
            f"{fitting}, or the width to a multiple of {num_heads}."
        )
