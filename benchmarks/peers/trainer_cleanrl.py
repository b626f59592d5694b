"""PPO in one file of plain PyTorch, as CleanRL writes it, on the released wheel's arena. Prints one JSON line.

.peers/bin/python benchmarks/peers/trainer_cleanrl.py [--no-lstm]
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import torch
from torch import Tensor, nn
from wheel_arenas import Arenas, Network, parse_args, report

GAMMA, LAMBDA, CLIP, ENTROPY, VALUE = 0.99, 0.95, 0.2, 0.01, 0.5


def main() -> None:
    args = parse_args(__doc__)
    arenas = Arenas(args.envs)
    network = Network(arenas.num_actions, lstm=not args.no_lstm)
    optimizer = torch.optim.Adam(network.parameters(), 1e-3, eps=1e-5)
    state, speeds = None, []
    for _ in range(args.updates + 1):
        start = time.perf_counter()
        begin = state
        batch, state = collect(arenas, network, state, args.steps)
        learn(network, optimizer, batch, begin, args)
        speeds.append(args.steps * arenas.num_agents / (time.perf_counter() - start))
    report("cleanrl", "single file", speeds[1:], network, args)


def collect(arenas: Arenas, network: Network, state: Any, steps: int) -> tuple[dict[str, Tensor], Any]:
    """A rollout, time first, with advantages and returns."""
    agents = arenas.num_agents
    batch = {key: torch.zeros(steps, agents) for key in ("log_probs", "values", "rewards", "advantages")}
    batch["actions"] = torch.zeros(steps, agents, dtype=torch.long)
    batch["observations"] = torch.zeros(steps, agents, *arenas.observations.shape[1:], dtype=torch.uint8)
    with torch.no_grad():
        for step in range(steps):
            batch["observations"][step] = torch.from_numpy(arenas.observations)
            logits, values, state = network(batch["observations"][step : step + 1], state)
            log_probs = logits[0].log_softmax(-1)
            actions = torch.multinomial(log_probs.exp(), 1)
            batch["actions"][step], batch["values"][step] = actions[:, 0], values[0]
            batch["log_probs"][step] = log_probs.gather(1, actions)[:, 0]
            arenas.step(actions[:, 0].numpy())
            batch["rewards"][step] = torch.from_numpy(arenas.rewards)
        following = network(torch.from_numpy(arenas.observations)[None], state)[1][0]
    advantage = torch.zeros(agents)
    for step in reversed(range(steps)):  # episodes are endless
        delta = batch["rewards"][step] + GAMMA * following - batch["values"][step]
        advantage = delta + GAMMA * LAMBDA * advantage
        batch["advantages"][step], following = advantage, batch["values"][step]
    batch["returns"] = batch["advantages"] + batch["values"]
    return batch, state


def learn(
    network: nn.Module, optimizer: torch.optim.Optimizer, batch: dict[str, Tensor], state: Any, args: argparse.Namespace
) -> None:
    """One pass over the batch in minibatches of whole rows."""
    agents = batch["actions"].shape[1]
    for rows in torch.randperm(agents).split(args.minibatch // args.steps):
        part = {key: value[:, rows] for key, value in batch.items()}
        begin = None if state is None else tuple(tensor[:, rows] for tensor in state)
        logits, values, _ = network(part["observations"], begin)
        log_probs = logits.log_softmax(-1)
        ratio = (log_probs.gather(2, part["actions"][..., None])[..., 0] - part["log_probs"]).exp()
        advantages = (part["advantages"] - part["advantages"].mean()) / (part["advantages"].std() + 1e-8)
        policy_loss = -torch.min(ratio * advantages, ratio.clamp(1 - CLIP, 1 + CLIP) * advantages).mean()
        entropy = -(log_probs.exp() * log_probs).sum(-1).mean()
        loss = policy_loss + VALUE * (values - part["returns"]).square().mean() - ENTROPY * entropy
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 0.5)
        optimizer.step()


if __name__ == "__main__":
    main()
