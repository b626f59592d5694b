"""Actor and value heads."""

from __future__ import annotations

import torch

from metta.agent.components.heads import ActorHead, ValueHead


def test_actor_starts_near_uniform() -> None:
    logits = ActorHead(32, 5)({"features": torch.randn(7, 32)})["logits"]
    assert logits.shape == (7, 5)
    assert logits.abs().max() < 0.1


def test_value_has_no_last_dimension() -> None:
    assert ValueHead(32)({"features": torch.randn(7, 3, 32)})["values"].shape == (7, 3)


def test_keys_are_free() -> None:
    head = ValueHead(4, "core", "critic_values")
    assert (head.in_keys, head.out_keys) == (["core"], ["critic_values"])
