"""Three encoders, one policy: each takes the others' place by `swap_component`, trains a little, and a table compares.

    python docs/examples/hot_swap_encoders.py [--steps 8192]

The policy head and the value head are never touched: they read the key "features", whoever writes it. What a run this
short can show is that learning works and what a step costs; give it 2,000,000 steps for an answer about the arena.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence

import torch
from rich.console import Console
from rich.table import Table

from metta.agent.container import ComponentContainer
from metta.agent.module import MettaModule
from metta.agent.network_builder import NetworkBuilder
from metta.agent.network_config import NetworkConfig
from metta.agent.policy import build_policy
from metta.agent.policy_config import NetworkPolicyConfig
from metta.common.env_spec import EnvSpec
from metta.common.run_dir import RunDir
from metta.envs.env_config import make_env
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook
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
def bag(spec: EnvSpec) -> MettaModule | ComponentContainer:
    """A linear layer on the one-hot box, computed from the used tokens."""
    return part(spec, [("TokenBag", {"width": WIDTH, "activation": "relu"}, ["env_obs"], ["features"])])


def convolutions(spec: EnvSpec) -> MettaModule | ComponentContainer:
    """The box as an image."""
    return part(
        spec,
        [
            ("ObsToBox", {}, ["env_obs"], ["box"]),
            ("CNNEncoder", {"convs": [[16, 5, 3], [16, 3, 1]], "out_features": WIDTH}, ["box"], ["features"]),
        ],
    )


def attention(spec: EnvSpec) -> MettaModule | ComponentContainer:
    """Tokens as a set, read by a few latent vectors."""
    latents = {"latent_dim": WIDTH, "num_latents": 2, "num_layers": 1}
    return part(
        spec,
        [
            ("ObsTokens", {"embed_dim": 8, "max_tokens": 32}, ["env_obs"], ["tokens", "mask"]),
            ("Perceiver", latents, ["tokens", "mask"], ["features"]),
        ],
    )


def part(
    spec: EnvSpec, steps: Sequence[tuple[str, Mapping[str, object], list[str], list[str]]]
) -> MettaModule | ComponentContainer:
    """A small network that stands in for one component."""
    components = [
        {"name": f"step{i}", "class": cls, "config": config, "in_keys": reads, "out_keys": writes}
        for i, (cls, config, reads, writes) in enumerate(steps)
    ]
    network = NetworkBuilder().build_from_config({"components": components}, spec)
    return network.get_component("step0") if len(steps) == 1 else network


ENCODERS: dict[str, Callable[[EnvSpec], MettaModule | ComponentContainer]] = {
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
    for heading in ("encoder", "weights", "value loss", "entropy", "agent-steps per second"):
        table.add_column(heading, justify="left" if heading == "encoder" else "right")
    for name, make_encoder in ENCODERS.items():
        table.add_row(name, *compare(make_encoder, steps))
    Console().print(table)


def compare(make_encoder: Callable[[EnvSpec], MettaModule | ComponentContainer], steps: int) -> tuple[str, ...]:
    """One line of the table."""
    game = make_arena(6).replace({"game.max_steps": 64})
    env = make_env(VecEnvConfig(env=game, num_envs=4, num_threads=1), seed=0)
    policy = build_policy(NetworkPolicyConfig(network=NetworkConfig.model_validate(NETWORK)), env.spec, seed=0)
    policy.network.swap_component("encoder", make_encoder(env.spec))
    results = Results()
    config = TrainerConfig().replace(
        {"total_timesteps": steps, "batch_size": 1536, "minibatch_size": 384, "bptt_horizon": 16}
    )
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        Trainer(config, env, policy, RunDir.at(folder, "swap").create(), [results], seed=0).train()
    seconds = time.perf_counter() - start
    env.close()
    weights = sum(parameter.numel() for parameter in policy.parameters())
    metrics = results.metrics
    return (
        f"{weights:,}",
        f"{metrics.get('losses/value_loss', float('nan')):.4f}",
        f"{metrics.get('losses/entropy', float('nan')):.3f}",
        f"{steps / seconds:,.0f}",
    )


class Results(TrainerHook):
    """Keeps the newest metrics."""

    name = "results"

    def __init__(self) -> None:
        self.metrics: Mapping[str, float] = {}

    def on_epoch_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.metrics = stats.metrics


if __name__ == "__main__":
    main()
