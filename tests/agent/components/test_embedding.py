"""Embedding."""

from __future__ import annotations

import torch

from metta.agent.components.embedding import Embedding
from metta.common.env_spec import EnvSpec


def test_looks_up_rows_for_any_batch() -> None:
    embedding = Embedding(5, 3, "action", "embedded")
    numbers = torch.randint(0, 5, (2, 4), dtype=torch.uint8)
    out = embedding({"action": numbers})["embedded"]
    assert torch.equal(out, embedding.table.weight[numbers.long()])
    out.sum().backward()
    assert embedding.table.weight.grad is not None


def test_actions_are_inferred(token_spec: EnvSpec) -> None:
    assert Embedding.infer({"embedding_dim": 3}, ["action"], {}, token_spec)["num_embeddings"] == 5
    assert Embedding.infer({"num_embeddings": 9}, ["action"], {}, token_spec) == {"num_embeddings": 9}
