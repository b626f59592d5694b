"""SLSTM: the published cell without its scaling, and gates of any size."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.slstm import SLSTM
from metta.common.errors import ConfigError


def test_equals_the_cell_without_scaling() -> None:
    torch.manual_seed(0)
    cell, x = SLSTM(5, 6, num_heads=2), torch.randn(2, 7, 5)
    out, _ = cell.run(x, torch.zeros(2, 7, dtype=torch.bool), cell.initial_state(2))
    h, c, n = (torch.zeros(2, 2, 3) for _ in range(3))  # rows, heads, size
    for t in range(7):
        gates = cell.gates(x[:, t]).unflatten(-1, (2, 12)) + torch.einsum("bhi,hij->bhj", h, cell.recur)
        write, forget, value, expose = gates.chunk(4, -1)
        c = forget.sigmoid() * c + write.exp() * value.tanh()
        n = forget.sigmoid() * n + write.exp()
        h = expose.sigmoid() * c / n
        torch.testing.assert_close(out[:, t], h.flatten(1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [-1e3, 1e3])
def test_huge_gates_stay_finite(size: float) -> None:
    cell = SLSTM(5, 6, num_heads=2)
    with torch.no_grad():
        cell.gates.bias.add_(size)
    out, state = cell.run(torch.randn(2, 7, 5), torch.rand(2, 7) < 0.3, cell.initial_state(2))
    out.sum().backward()
    assert all(tensor.isfinite().all() for tensor in (out, *state.values()))
    assert all(p.grad is not None and p.grad.isfinite().all() for p in cell.parameters())


def test_heads_do_not_see_each_other() -> None:
    cell = SLSTM(5, 6, num_heads=2)
    state = {part: value + 0.5 for part, value in cell.initial_state(1).items()}
    other = {part: value.clone() for part, value in state.items()}
    other["h"][:, :3] = 2.0  # the first head's
    x, first = torch.randn(1, 1, 5), torch.zeros(1, 1, dtype=torch.bool)
    one, two = (cell.run(x, first, each)[0][0, 0] for each in (state, other))
    assert not torch.equal(one[:3], two[:3])
    assert torch.equal(one[3:], two[3:])


def test_heads_must_fit() -> None:
    with pytest.raises(ConfigError, match=r"width of 6 cannot be shared by 4 heads.*\[1, 2, 3, 6\]"):
        SLSTM(5, 6, num_heads=4)
