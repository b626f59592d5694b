"""Axon: a linear recurrent unit with complex eigenvalues."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from metta.agent.recurrent import RecurrentModule, State
from metta.agent.scan import linear_scan


class Axon(RecurrentModule):
    """Damped rotations, one for each unit, driven by the input: a linear memory that cannot explode.

    ``h[t] = exp(-exp(nu) + i exp(theta)) * h[t-1] + gamma * (B x[t])``; a linear layer reads real and imaginary parts.
    The first eigenvalues lie in the ring between ``min_radius`` and ``max_radius``, ``gamma`` keeps the state's size.

    Shapes (H ``hidden_size`` units; see ``RecurrentModule`` for s, T and B): ``features [s, T, F]`` or ``[B, F]``,
    ``first``, ``memory/<name>_h [s or B, H, 2]`` (real, imaginary) -> ``core [s, T, H]`` or ``[B, H]``,
    ``next_memory/<name>_h``.
    Source: arXiv:2303.06349 sec. 3 (initialisation: lemma 3.2; normalisation: eq. 7).
    """

    def __init__(
        self,
        in_features: int,
        hidden_size: int,
        in_key: str = "features",
        out_key: str = "core",
        *,
        min_radius: float = 0.5,
        max_radius: float = 0.99,
        max_phase: float = math.pi / 10,
        first_key: str = "first",
        memory_name: str = "axon",
    ) -> None:
        shapes = {"h": (hidden_size, 2)}
        super().__init__(
            in_features, hidden_size, shapes, in_key, out_key, first_key=first_key, memory_name=memory_name
        )
        square = torch.empty(hidden_size).uniform_(min_radius**2, max_radius**2)
        self.log_decay = nn.Parameter((-0.5 * square.log()).log())
        self.log_phase = nn.Parameter(torch.empty(hidden_size).uniform_(1e-3, 1.0).mul(max_phase).log())
        self.log_scale = nn.Parameter((1 - square).sqrt().log())
        self.write = nn.Linear(in_features, 2 * hidden_size, bias=False)
        nn.init.normal_(self.write.weight, std=(2 * in_features) ** -0.5)
        self.read = nn.Linear(2 * hidden_size, hidden_size)

    def run(self, x: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """See ``RecurrentModule``."""
        driven = self.write(x).unflatten(-1, (-1, 2)) * self.log_scale.exp().unsqueeze(-1)
        if torch.compiler.is_exporting():
            return self._step_in_real_numbers(driven, first, state)
        eigenvalues = torch.polar((-self.log_decay.exp()).exp(), self.log_phase.exp())
        decay = eigenvalues * (~first).unsqueeze(-1)  # [s, T, H]
        start = torch.view_as_complex(state["h"].contiguous())
        h = torch.view_as_real(linear_scan(decay, torch.view_as_complex(driven), start))  # [s, T, H, 2]
        return nn.functional.silu(self.read(h.flatten(-2))), {"h": h[:, -1]}

    def _step_in_real_numbers(self, driven: Tensor, first: Tensor, state: State) -> tuple[Tensor, State]:
        """One step without complex numbers, which exported formats do not all know."""
        radius, phase = (-self.log_decay.exp()).exp(), self.log_phase.exp()
        turn = torch.stack([radius * phase.cos(), radius * phase.sin()], dim=-1) * (~first)[..., None, None]
        old = state["h"].unsqueeze(1)
        real = driven[..., 0] + turn[..., 0] * old[..., 0] - turn[..., 1] * old[..., 1]
        imaginary = driven[..., 1] + turn[..., 0] * old[..., 1] + turn[..., 1] * old[..., 0]
        h = torch.stack([real, imaginary], dim=-1)
        return nn.functional.silu(self.read(h.flatten(-2))), {"h": h[:, -1]}
