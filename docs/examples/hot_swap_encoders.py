"""Three encoders, one policy: each takes the others' place by `swap_component`, trains a little, and a table compares.

    python docs/examples/hot_swap_encoders.py [--steps 8192]

The policy head and the value head are never touched: they read the key "features", whoever writes it. What a run this
short can show is that learning works and what a step costs; give it 2,000,000 steps for an answer about the arena.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table

from metta.agent.module import MettaModule
from metta.agent.network_builder import NetworkBuilder
from metta.agent.policy import Policy, build_policy
from metta.agent.policy_config import NetworkPolicyConfig
from metta.common.env_spec import EnvSpec
from metta.common.run_dir import RunDir
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.trainer import Trainer
from metta.rl.trainer_config import TrainerConfig

WIDTH = 64

# 1. A policy as data: an encoder that writes "features", and two heads that read them.
NETWORK = {
    "components": [
        {
            "name": "encoder",
            "class": "TokenBag",
            "config": {"width": WIDTH, "activation": "relu"},
            "in_keys": ["env_obs"],
            "out_keys": ["features"],
        },
        {"name": "policy", "class": "ActorHead", "in_keys": ["features"], "out_keys": ["logits"]},
        {"name": "critic", "class": "ValueHead", "in_keys": ["features"], "out_keys": ["values"]},
    ]
}


# 2. Encoders to compare. Each may be a network of its own, as long as it reads "env_obs" and writes "features".
def bag(spec: EnvSpec) -> object:
    """A linear layer on the one-hot box, computed from the used tokens."""
    return part(spec, [("TokenBag", {"width": WIDTH, "activation": "relu"}, ["env_obs"], ["features"])])


def convolutions(spec: EnvSpec) -> object:
    """The box as an image."""
    return part(
        spec,
        [
            ("ObsToBox", {}, ["env_obs"], ["box"]),
            ("CNNEncoder", {"convs": [[16, 5, 3], [16, 3, 1]], "out_features": WIDTH}, ["box"], ["features"]),
        ],
    )


def attention(spec: EnvSpec) -> object:
    """Tokens as a set, read by a few latent vectors."""
    latents = {"latent_dim": WIDTH, "num_latents": 2, "num_layers": 1}
    return part(
        spec,
        [
            ("ObsTokens", {"embed_dim": 8, "max_tokens": 32}, ["env_obs"], ["tokens", "mask"]),
            ("Perceiver", latents, ["tokens", "mask"], ["features"]),
        ],
    )


def part(spec: EnvSpec, steps: list[tuple[str, dict[str, object], list[str], list[str]]]) -> object:
    """A small network that stands in for one component."""
    components = [
        {"name": f"step{i}", "class": cls, "config": config, "in_keys": reads, "out_keys": writes}
        for i, (cls, config, reads, writes) in enumerate(steps)
    ]
    network = NetworkBuilder().build_from_config({"components": components}, spec)
    return network.get_component("step0") if len(steps) == 1 else network


ENCODERS: dict[str, Callable[[EnvSpec], object]] = {
    "bag": bag,
    "convolutions": convolutions,
    "attention": attention,
}


# 3. The loop: swap, train, look.
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=8192, help="agent-steps for each encoder")
    steps = parser.parse_args().steps
    torch.set_num_threads(1)
    table = Table(title=f"{steps:,} agent-steps of the arena each")
    for heading in ("encoder", "weights", "reward per agent-step", "value loss", "steps per second"):
        table.add_column(heading, justify="left" if heading == "encoder" else "right")
    for name, make_encoder in ENCODERS.items():
        table.add_row(name, *compare(make_encoder, steps))
    Console().print(table)


def compare(make_encoder: Callable[[EnvSpec], object], steps: int) -> tuple[str, ...]:
    """One line of the table."""
