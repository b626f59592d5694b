"""`lstm` reads tokens, MettaGrid's boxes and plain vectors (what all presets promise: tests/agent/test_policy.py)."""

from __future__ import annotations

import torch

from metta.agent.policies.lstm import build_lstm
from metta.agent.policy_config import LstmConfig
from metta.common.env_spec import EnvSpec


def test_it_reads_vectors_and_tokens(box_spec: EnvSpec, token_spec: EnvSpec) -> None:
    config = LstmConfig(hidden_sizes=(6,), lstm_size=5, lstm_layers=2)
    assert list(build_lstm(config, box_spec)) == ["mlp", "lstm", "actor", "critic"]
    network = build_lstm(config, token_spec)
    assert list(network) == ["box", "mlp", "lstm", "actor", "critic"]
    assert network.memory_shapes == {"lstm_h": (2, 5), "lstm_c": (2, 5)}
    memory = {f"memory/{name}": torch.zeros(3, *shape) for name, shape in network.memory_shapes.items()}
    obs = torch.full((3, *token_spec.obs_shape), 255, dtype=torch.uint8)
    out = network({"env_obs": obs, "first": torch.ones(3, dtype=torch.bool), **memory})
    assert out["logits"].shape == (3, token_spec.num_actions)


def test_without_an_mlp_the_lstm_reads_the_box(box_spec: EnvSpec) -> None:
    assert build_lstm(LstmConfig(hidden_sizes=()), box_spec)["lstm"].in_features == box_spec.obs_shape[0]
