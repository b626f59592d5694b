"""MLSTM: a matrix memory with exponential gates, computed for whole segments by matrix products."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from metta.agent.components.slstm import check_heads
from metta.agent.recurrent import RecurrentModule, State, steps_since_reset


class MLSTM(RecurrentModule):
    """Stores values under keys in a matrix per head and reads them by query; gates depend on the input alone.

    So a segment needs no loop over time: within it, the memory is attention with weights that the gates decay; what
    came before enters through the state. ``m`` is the logarithm by which the state is scaled down.

    Shapes (N ``num_heads`` of size D = H / N; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or
    ``[B, F]``, ``first``, ``memory/<name>_c [s or B, N, D, D]`` (key, value), ``memory/<name>_n [., N, D]``,
    ``memory/<name>_m [., N]`` -> ``core [s, T, H]`` or ``[B, H]``, ``next_memory/<name>_{c,n,m}``.
    Source: arXiv:2405.04517 sec. 2.3 and appendix A.3 (parallel form; sigmoid forget gate).
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
        memory_name: str = "mlstm",
    ) -> None:
        check_heads("MLSTM", hidden_size, num_heads)
        size = hidden_size // num_heads
        shapes = {"c": (num_heads, size, size), "n": (num_heads, size), "m": (num_heads,)}
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.num_heads, self.size = num_heads, size
        self.qkvo = nn.Linear(in_features, 4 * hidden_size)
        self.gates = nn.Linear(in_features, 2 * num_heads)
        self.norm = nn.GroupNorm(num_heads, hidden_size)
        with torch.no_grad():  # forget gates near one, input gates small: first memories are long and calm
            self.gates.weight.mul_(0.1)
            self.gates.bias.copy_(torch.cat([torch.zeros(num_heads), torch.linspace(3.0, 6.0, num_heads)]))

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        q, k, v, gate = self.qkvo(x).chunk(4, dim=-1)
        q, k, v = (part.unflatten(-1, (self.num_heads, -1)).transpose(1, 2) for part in (q, k, v))  # [s, N, T, D]
        k = k * self.size**-0.5
        write, forget = self.gates(x).transpose(1, 2).chunk(2, dim=1)  # [s, N, T]
        scale, inside, before = _decays(write, nn.functional.logsigmoid(forget), first, state)
        weights = (q @ k.transpose(-1, -2)) * inside
        summed = weights @ v + before.unsqueeze(-1) * (q @ state["c"])
        total = weights.sum(-1) + before * (q @ state["n"].unsqueeze(-1)).squeeze(-1)
        h = summed / torch.maximum(total.abs(), (-scale).exp()).unsqueeze(-1)
        last, kept = inside[:, :, -1, :, None], before[:, :, -1, None]
        after = {
            "c": (k * last).transpose(-1, -2) @ v + kept.unsqueeze(-1) * state["c"],
            "n": (k * last).sum(2) + kept * state["n"],
            "m": scale[:, :, -1],
        }
        h = h.transpose(1, 2).flatten(2)  # [s, T, H]
        return self.norm(h.flatten(0, 1)).view_as(h) * gate.sigmoid(), after


def _decays(write: Tensor, forget: Tensor, first: Tensor, state: State) -> tuple[Tensor, Tensor, Tensor]:
    """Scale ``m [s, N, T]``, weights of steps u on steps t ``[s, N, T, T]``, weights of the state ``[s, N, T]``.

    Step u weighs ``exp(write[u] + sum of forget over u+1 .. t - m[t])`` on t, if no episode begins in between.
    """
    horizon = first.shape[1]
    age = steps_since_reset(first)
    lag = torch.arange(horizon, device=first.device)
    lag = lag[:, None] - lag
    seen = ((lag >= 0) & (lag <= age.unsqueeze(-1))).unsqueeze(1)  # [s, 1, T, T]
    # The sum over each step's own episode: a plain cumsum would let rounding carry earlier episodes' gates along.
    faded = (seen.to(forget.dtype) @ forget.unsqueeze(-1)).squeeze(-1)
    inside = (faded.unsqueeze(-1) - faded.unsqueeze(-2) + write.unsqueeze(-2)).masked_fill(~seen, float("-inf"))
    unused = (state["n"] == 0).all(-1)  # [s, N]: such a state has no scale
    lost = unused.unsqueeze(-1) | (age <= horizon).unsqueeze(1)
    before = (faded + state["m"].unsqueeze(-1)).masked_fill(lost, float("-inf"))
    scale = torch.maximum(inside.amax(-1), before).detach()
    return scale, (inside - scale.unsqueeze(-1)).exp(), (before - scale).exp()
