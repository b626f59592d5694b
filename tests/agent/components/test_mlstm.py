"""MLSTM: the published cell without its scaling, and gates of any size."""

from __future__ import annotations

import pytest
import torch

from metta.agent.components.mlstm import MLSTM


def test_equals_the_cell_without_scaling() -> None:
    torch.manual_seed(0)
    cell, x = MLSTM(5, 6, num_heads=2), torch.randn(2, 7, 5)
    with torch.no_grad():
        cell.gates.weight.mul_(10)
    out, _ = cell.run(x, torch.zeros(2, 7, dtype=torch.bool), cell.initial_state(2))
    memory, norm = torch.zeros(2, 2, 3, 3), torch.zeros(2, 2, 3)
    for t in range(7):
        q, k, v, gate = cell.qkvo(x[:, t]).chunk(4, -1)
        q, k, v = (part.unflatten(-1, (2, 3)) for part in (q, k * 3**-0.5, v))
        write, forget = (part.unsqueeze(-1) for part in cell.gates(x[:, t]).chunk(2, -1))
        memory = forget.sigmoid().unsqueeze(-1) * memory + write.exp().unsqueeze(-1) * k.unsqueeze(-1) * v.unsqueeze(-2)
        norm = forget.sigmoid() * norm + write.exp() * k
        read = torch.einsum("bhk,bhkv->bhv", q, memory) / (q * norm).sum(-1, keepdim=True).abs().clamp(min=1.0)
        expected = cell.norm(read.flatten(1)) * gate.sigmoid()
        torch.testing.assert_close(out[:, t], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("size", [-1e3, 1e3])
def test_huge_gates_stay_finite(size: float) -> None:
    cell = MLSTM(5, 6, num_heads=2)
    with torch.no_grad():
        cell.gates.bias[:2].add_(size)
    out, state = cell.run(torch.randn(2, 7, 5), torch.rand(2, 7) < 0.3, cell.initial_state(2))
    out.sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in cell.parameters())
    assert out.isfinite().all()
    assert state["c"].isfinite().all()


def test_memory_is_declared() -> None:
    assert MLSTM(5, 8, 2).memory_shapes == {"mlstm_c": (2, 4, 4), "mlstm_n": (2, 4), "mlstm_m": (2,)}
