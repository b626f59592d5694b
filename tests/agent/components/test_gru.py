"""GRU: torch's cell, its memory and its start (the recurrence itself: tests/agent/test_recurrent.py)."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from metta.agent.components.gru import GRU


def test_equals_torch() -> None:
    torch.manual_seed(0)
    gru, x, h = GRU(5, 6), torch.randn(3, 5), torch.randn(3, 1, 6)
    cell = nn.GRUCell(5, 6)
    for mine, theirs in zip(gru.gru.parameters(), cell.parameters(), strict=True):
        theirs.data.copy_(mine)
    out = gru({"features": x, "first": torch.zeros(3, dtype=torch.bool), "memory/gru_h": h})
    torch.testing.assert_close(out["core"], cell(x, h[:, 0]))
    assert torch.equal(out["next_memory/gru_h"][:, 0], out["core"])


def test_memory_and_first_weights() -> None:
    gru: Any = GRU(6, 6, 2, memory_name="core")
    assert gru.memory_shapes == {"core_h": (2, 6)}
    for gate in gru.gru.weight_hh_l0.detach().split(6):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), rtol=1e-4, atol=1e-5)
    assert not gru.gru.bias_ih_l1.detach().any()
