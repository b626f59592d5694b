"""Mamba: selective state spaces in plain torch, with a linear scan over time."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from metta.agent.components.causal_conv import causal_conv
from metta.agent.recurrent import RecurrentModule, State, chain_state_shapes, state_of, state_under
from metta.agent.scan import linear_scan


class MambaMixer(RecurrentModule):
    """One selective state space with its convolution and gate: the input decides what is written and how fast it fades.

    Shapes (E ``expand * hidden_size`` channels of N ``state_size`` numbers, W ``kernel``; see ``RecurrentModule``):
    ``features [s, T, F]`` or ``[B, F]``, ``first``, ``memory/<name>_past [., W - 1, E]``, ``memory/<name>_h [., E, N]``
    -> ``core [s, T, H]`` or ``[B, H]``, ``next_memory/<name>_past``, ``next_memory/<name>_h``.
    Source: arXiv:2312.00752, algorithm 2 and sec. 3.4; with the simplified input matrix ``delta * B``, as published.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        state_size: int = 16,
        in_key: str = "features",
        out_key: str = "core",
        *,
        expand: int = 2,
        kernel: int = 4,
        first_key: str = "first",
        memory_name: str = "mamba",
    ) -> None:
        inner = expand * hidden_size
        shapes = {"past": (kernel - 1, inner), "h": (inner, state_size)}
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.rank = math.ceil(hidden_size / 16)
        self.state_size = state_size
        self.into = nn.Linear(in_features, 2 * inner, bias=False)
        self.taps = nn.Parameter(torch.empty(kernel, inner).uniform_(-(kernel**-0.5), kernel**-0.5))
        self.conv_bias = nn.Parameter(torch.zeros(inner))
        self.select = nn.Linear(inner, self.rank + 2 * state_size, bias=False)
        self.delta = nn.Linear(self.rank, inner)
        self.log_decay = nn.Parameter(torch.arange(1, state_size + 1).float().log().expand(inner, -1).clone())
        self.skip = nn.Parameter(torch.ones(inner))
        self.out = nn.Linear(inner, hidden_size, bias=False)
        _init_step_sizes(self.delta)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        x, gate = self.into(x).chunk(2, dim=-1)
        x, past = causal_conv(x, first, state["past"], self.taps, self.conv_bias)
        x = nn.functional.silu(x)
        low, write, read = self.select(x).split((self.rank, self.state_size, self.state_size), dim=-1)
        delta = nn.functional.softplus(self.delta(low))  # [s, T, E]
        decay = torch.exp(delta.unsqueeze(-1) * -self.log_decay.exp())  # [s, T, E, N]
        decay = decay.masked_fill(first[..., None, None], 0.0)
        h = linear_scan(decay, (delta * x).unsqueeze(-1) * write.unsqueeze(-2), state["h"])
        y = torch.matmul(h, read.unsqueeze(-1)).squeeze(-1)
        y = torch.addcmul(y, x, self.skip) * nn.functional.silu(gate)
        return self.out(y), {"past": past, "h": h[:, -1]}


class Mamba(RecurrentModule):
    """Residual layers of ``MambaMixer``, each behind a layer norm.

    Shapes: see ``RecurrentModule``; the memory is that of ``num_layers`` mixers, ``<name>_<layer>_past`` and
    ``<name>_<layer>_h``. ``features [s, T, F]`` -> ``core [s, T, H]``.
    Source: arXiv:2312.00752 sec. 3.4.
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        num_layers: int = 1,
        in_key: str = "features",
        out_key: str = "core",
        *,
        state_size: int = 16,
        expand: int = 2,
        kernel: int = 4,
        first_key: str = "first",
        memory_name: str = "mamba",
    ) -> None:
        mixers = [
            MambaMixer(hidden_size, hidden_size, state_size, expand=expand, kernel=kernel) for _ in range(num_layers)
        ]
        shapes = chain_state_shapes(mixers)
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        self.into = nn.Linear(in_features, hidden_size)
        self.mixers = nn.ModuleList(mixers)
        self.norms = nn.ModuleList(nn.LayerNorm(hidden_size) for _ in mixers)
        self.norm = nn.LayerNorm(hidden_size)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        x, after = self.into(x), {}
        for index, (mixer, norm) in enumerate(zip(self.mixers, self.norms, strict=True)):
            assert isinstance(mixer, MambaMixer)
            mixed, kept = mixer.run(norm(x), first, state_of(index, state))
            x = x + mixed
            after |= state_under(index, kept)
        return self.norm(x), after


def _init_step_sizes(layer: nn.Linear, low: float = 1e-3, high: float = 0.1) -> None:
    """First step sizes between ``low`` and ``high``, spread evenly over their logarithm: memories of many lengths."""
    with torch.no_grad():
        steps = torch.empty_like(layer.bias).uniform_(math.log(low), math.log(high)).exp()
        layer.bias.copy_(steps + torch.log(-torch.expm1(-steps)))  # the inverse of softplus
        layer.weight.uniform_(-(layer.in_features**-0.5), layer.in_features**-0.5)
