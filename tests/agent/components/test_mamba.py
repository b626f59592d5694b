"""Mamba: the published recurrence, written out."""

from __future__ import annotations

import torch
from torch import nn

from metta.agent.components.mamba import Mamba, MambaMixer


def test_mixer_equals_the_recurrence() -> None:
    torch.manual_seed(0)
    mixer, x = MambaMixer(5, 8, 4, kernel=1, expand=2), torch.randn(2, 6, 5)
    first = torch.zeros(2, 6, dtype=torch.bool)
    out, state = mixer.run(x, first, mixer.initial_state(2))
    inner, gate = mixer.into(x).chunk(2, -1)
    inner = nn.functional.silu(inner * mixer.taps[0] + mixer.conv_bias)
    low, write, read = mixer.select(inner).split((1, 4, 4), -1)
    delta = nn.functional.softplus(mixer.delta(low))
    h = torch.zeros(2, 16, 4)
    for t in range(6):
        decay = torch.exp(-delta[:, t, :, None] * mixer.log_decay.exp())
        h = decay * h + (delta[:, t] * inner[:, t])[..., None] * write[:, t, None]
        y = (h * read[:, t, None]).sum(-1) + mixer.skip * inner[:, t]
        expected = mixer.out(y * nn.functional.silu(gate[:, t]))
        torch.testing.assert_close(out[:, t], expected, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(state["h"], h, rtol=1e-4, atol=1e-5)


def test_first_step_sizes_are_small_and_spread() -> None:
    torch.manual_seed(0)
    steps = nn.functional.softplus(MambaMixer(5, 64).delta.bias).detach()
    assert 9e-4 < float(steps.min()) < 5e-3
    assert 0.05 < float(steps.max()) < 0.11


def test_memory_is_declared() -> None:
    shapes = Mamba(5, 8, 2, state_size=4, kernel=3, expand=2).memory_shapes
    assert shapes == {f"mamba_{i}_{k}": v for i in (0, 1) for k, v in (("past", (2, 16)), ("h", (16, 4)))}
