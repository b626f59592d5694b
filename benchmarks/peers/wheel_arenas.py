"""What the peers' trainers share: the released wheel's arena as a batch, a network of the size of our `fast`, a report.

Runs in the peers' own virtual environment (``setup_venv.py``) and imports nothing of ours but the wheel's game and the
report's helpers. Observations come through the wheel's compiled simulator, its fastest way, and episodes are endless,
so that its Python resets are not timed: both favour the peers.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from mettagrid.simulator import Simulator
from mettagrid_wheel import make_config
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measurement import commit, machine, peak_rss_mb

AGENTS, ROOM, WINDOW, TOKENS = 24, 25, 11, 200
PLANES = 46
"""As many as our `fast` makes of its arena."""


class Arenas:
    """``num_envs`` arenas of 24 agents, stepped one after the other; agents are the batch dimension (B).

    Shapes: ``observations [B, 200, 3] uint8``, ``rewards [B] float32``, ``dones [B] bool``.
    """

    def __init__(self, num_envs: int, seed: int = 0) -> None:
        config = make_config("arena", AGENTS, ROOM)
        simulations = [Simulator().new_simulation(config, seed=seed + index) for index in range(num_envs)]
        self._natives = [simulation._c_sim for simulation in simulations]
        self._simulations = simulations  # they own what the natives point to
        self.num_agents = num_envs * AGENTS
        self.num_actions = len(simulations[0].action_names)
        self.observations = np.zeros((self.num_agents, TOKENS, 3), np.uint8)
        self.rewards = np.zeros(self.num_agents, np.float32)
        self.dones = np.zeros(self.num_agents, bool)
        self.seconds = 0.0
        self._read()

    def step(self, actions: np.ndarray) -> None:
        """One step of all arenas; the three arrays are written in place."""
        start = time.perf_counter()
        for index, native in enumerate(self._natives):
            native.actions()[:] = actions[index * AGENTS : (index + 1) * AGENTS]
            native.step()
        self._read()
        self.seconds += time.perf_counter() - start

    def _read(self) -> None:
        for index, native in enumerate(self._natives):
            rows = slice(index * AGENTS, (index + 1) * AGENTS)
            self.observations[rows] = native.observations()
            self.rewards[rows] = native.rewards()


class Encoder(nn.Module):
    """Tokens to a dense box, two convolutions, a linear layer: the layers and sizes of our `fast`.

    Shapes: ``[N, 200, 3] uint8`` -> ``[N, 128] float32``.
    """

    def __init__(self, size: int = 128) -> None:
        super().__init__()
        self.convs = nn.Sequential(nn.Conv2d(PLANES, 64, 5, 3), nn.ReLU(), nn.Conv2d(64, 64, 3), nn.ReLU())
        self.linear = nn.Linear(64, size)

    def forward(self, tokens: Tensor) -> Tensor:
        location, feature, value = tokens.long().unbind(-1)
        row, column = location >> 4, location & 15
        known = (row < WINDOW) & (column < WINDOW) & (feature < PLANES)
        cells = WINDOW * WINDOW
        place = torch.where(known, feature * cells + row * WINDOW + column, PLANES * cells)
        box = torch.zeros(tokens.shape[0], PLANES * cells + 1).scatter_(1, place, value.float() / 64)
        planes = box[:, :-1].view(-1, PLANES, WINDOW, WINDOW)
        return torch.relu(self.linear(self.convs(planes).flatten(1)))


class Network(nn.Module):
    """`Encoder`, an LSTM if wanted, an actor and a value head.

    Shapes (time first): ``[T, B, 200, 3]`` -> logits ``[T, B, A]``, values ``[T, B]``, state.
    """

    def __init__(self, num_actions: int, *, lstm: bool = True, size: int = 128) -> None:
        super().__init__()
        self.encoder = Encoder(size)
        self.lstm = nn.LSTM(size, size) if lstm else None
        self.actor, self.critic = nn.Linear(size, num_actions), nn.Linear(size, 1)

    def forward(self, tokens: Tensor, state: Any = None) -> tuple[Tensor, Tensor, Any]:
        features = self.encoder(tokens.flatten(0, 1)).view(*tokens.shape[:2], -1)
        if self.lstm is not None:
            features, state = self.lstm(features, state)
        return self.actor(features), self.critic(features).squeeze(-1), state


def parse_args(description: str | None) -> argparse.Namespace:
    """The flags that all drivers have: the batch of the comparison."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--envs", type=int, default=4, help="arenas of 24 agents")
    parser.add_argument("--steps", type=int, default=128, help="steps of a rollout")
    parser.add_argument("--minibatch", type=int, default=3072, help="agent-steps in a minibatch")
    parser.add_argument("--updates", type=int, default=5, help="epochs that count; one more is left out")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--no-lstm", action="store_true")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    return args


def report(
    peer: str, version: str, speeds: list[float], network: nn.Module, args: argparse.Namespace, **more: Any
) -> None:
    """Print one JSON line. ``speeds`` are agent-steps per second of the epochs that count."""
    agents = args.envs * AGENTS
    result = {
        "name": "peer_trainer",
        "commit": commit(),
        "machine": machine(),
        "peer": peer,
        "version": version,
        "torch": torch.__version__,
        "n": len(speeds),
        "agent_steps_per_second": round(statistics.median(speeds)),
        "min": round(min(speeds)),
        "max": round(max(speeds)),
        "lstm": not args.no_lstm,
        "parameters": sum(parameter.numel() for parameter in network.parameters()),
        "agents": agents,
        "batch_size": agents * args.steps,
        "minibatch_size": args.minibatch,
        "update_epochs": 1,
        "torch_threads": args.threads,
        "peak_rss_mb": peak_rss_mb(),
    }
    print(json.dumps({**result, **more}))
