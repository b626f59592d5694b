"""TokenIndex: no buffer in checkpoints, ignored tokens weigh nothing."""

from __future__ import annotations

import torch

from metta.agent.components.feature_table import FeatureTable
from metta.agent.components.token_index import TokenIndex
from metta.common.env_spec import EnvSpec


def test_rows_and_weights(token_spec: EnvSpec) -> None:
    index = TokenIndex(FeatureTable.from_spec(token_spec), 3)
    rows, weights = index(torch.tensor([[1 << 4 | 2, 0, 5], [0xFE, 7, 51], [0xFF, 0xFF, 0xFF]], dtype=torch.uint8))
    assert rows[:2].tolist() == [5 * 63 + 9 + 2, 12 * 63]
    torch.testing.assert_close(weights, torch.tensor([1.0, 0.2, 0.0]))
    assert 0 <= rows[2] < index.num_rows


def test_nothing_to_save(token_spec: EnvSpec) -> None:
    assert not TokenIndex(FeatureTable.from_spec(token_spec), 3).state_dict()
