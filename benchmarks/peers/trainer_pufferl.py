"""PufferLib's trainer (`pufferl`, of pufferlib-core) with its LSTM wrapper on the released wheel's arena.

Prints one JSON line.

.peers/bin/python benchmarks/peers/trainer_pufferl.py
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.metadata
import os
import tempfile
import time
from typing import Any

import gymnasium
import numpy as np
import pufferlib
import pufferlib.models
from pufferl_kernel import ensure_kernel
from torch import Tensor, nn
from wheel_arenas import TOKENS, Arenas, Encoder, parse_args, report


class ArenaEnv(pufferlib.PufferEnv):
    """All agents of all arenas, in PufferLib's native form."""

    def __init__(self, arenas: Arenas) -> None:
        self.arenas = arenas
        self.single_observation_space = gymnasium.spaces.Box(0, 255, (TOKENS, 3), np.uint8)
        self.single_action_space = gymnasium.spaces.Discrete(arenas.num_actions)
        self.num_agents = self.agents_per_batch = arenas.num_agents
        super().__init__()
        # No copies: what the trainer reads is what the arenas write.
        self.observations, self.rewards = arenas.observations, arenas.rewards

    def reset(self, seed: int | None = None) -> tuple[np.ndarray, list[Any]]:
        return self.observations, []

    def step(self, actions: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, list[Any]]:
        self.arenas.step(actions)
        return self.observations, self.rewards, self.terminals, self.truncations, []

    def close(self) -> None:
        pass


class Policy(nn.Module):
    """What PufferLib's LSTM wrapper wants: an encoder and a decoder."""

    is_continuous = False
    hidden_size = 128

    def __init__(self, num_actions: int) -> None:
        super().__init__()
        self.encoder = Encoder()
        self.actor, self.critic = nn.Linear(128, num_actions), nn.Linear(128, 1)

    def encode_observations(self, observations: Tensor, state: Any = None) -> Tensor:
        return self.encoder(observations)

    def decode_actions(self, hidden: Tensor) -> tuple[Tensor, Tensor]:
        return self.actor(hidden), self.critic(hidden)

    def forward_eval(self, observations: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        return self.decode_actions(self.encode_observations(observations))

    def forward(self, observations: Tensor, state: Any = None) -> tuple[Tensor, Tensor]:
        return self.forward_eval(observations)


def settings(args: Any, batch: int, folder: str) -> dict[str, Any]:
    fixed = {
        "device": "cpu",
        "cpu_offload": False,
        "precision": "float32",
        "compile": False,
        "torch_deterministic": True,
    }
    adam = {"optimizer": "adam", "learning_rate": 1e-3, "adam_beta1": 0.9, "adam_beta2": 0.999, "adam_eps": 1e-5}
    ppo = {"gamma": 0.99, "gae_lambda": 0.95, "clip_coef": 0.2, "vf_clip_coef": 0.2, "vf_coef": 0.5, "ent_coef": 0.01}
    trace = {"vtrace_rho_clip": 1.0, "vtrace_c_clip": 1.0, "prio_alpha": 0.0, "prio_beta0": 1.0}
    sizes = {"batch_size": batch, "bptt_horizon": args.steps, "minibatch_size": args.minibatch}
    rest = {"max_minibatch_size": args.minibatch, "update_epochs": 1, "max_grad_norm": 0.5, "anneal_lr": False}
    run = {"seed": 0, "use_rnn": not args.no_lstm, "total_timesteps": 10**9, "checkpoint_interval": 10**9}
    return {**fixed, **adam, **ppo, **trace, **sizes, **rest, **run, "data_dir": folder, "env": "arena"}


def main() -> None:
    args = parse_args(__doc__)
    ensure_kernel()  # before what needs it is imported
    pufferl = importlib.import_module("pufferlib.pufferl")
    env = ArenaEnv(Arenas(args.envs))
    policy: nn.Module = Policy(env.arenas.num_actions)
    if not args.no_lstm:
        policy = pufferlib.models.LSTMWrapper(env, policy)
    batch, speeds = args.steps * env.num_agents, []
    with (
        tempfile.TemporaryDirectory() as folder,
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),  # its dashboard
    ):
        trainer = pufferl.PuffeRL(settings(args, batch, folder), env, policy)
        for _ in range(args.updates + 1):
            start = time.perf_counter()
            trainer.evaluate()
            trainer.train()
            speeds.append(batch / (time.perf_counter() - start))
        trainer.utilization.stop()
    report("pufferl", importlib.metadata.version("pufferlib-core"), speeds[1:], policy, args)


if __name__ == "__main__":
    main()
