"""Segments cut at resets give what the fused layer gives for each piece alone."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from metta.agent.packed import run_fused


@pytest.mark.parametrize("layer", [nn.LSTM(3, 4, 2, batch_first=True), nn.GRU(3, 4, 2, batch_first=True)])
def test_pieces_equal_runs_of_their_own(layer: nn.LSTM | nn.GRU) -> None:
    torch.manual_seed(0)
    x, states = torch.randn(2, 6, 3), tuple(torch.randn(2, 2, 4) for _ in range(2 if isinstance(layer, nn.LSTM) else 1))
    none = torch.zeros(2, 6, dtype=torch.bool)
    first = none.clone()
    first[0, 2] = first[0, 5] = first[1, 3] = True
    out, after = run_fused(layer, x, first, states)
    fresh = tuple(torch.zeros_like(state) for state in states)
    for row, start, end in ((0, 0, 2), (0, 2, 5), (0, 5, 6), (1, 0, 3), (1, 3, 6)):
        begin = tuple(state[row : row + 1] for state in (states if start == 0 else fresh))
        alone, last = run_fused(layer, x[row : row + 1, start:end], none[row : row + 1, start:end], begin)
        torch.testing.assert_close(out[row : row + 1, start:end], alone, rtol=1e-5, atol=1e-6)
        if end == 6:
            for one, other in zip(after, last, strict=True):
                torch.testing.assert_close(one[row : row + 1], other, rtol=1e-5, atol=1e-6)
