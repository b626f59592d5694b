"""What each library's interface costs on top of the raw batch, with random actions. Prints one JSON line an interface.

``python benchmarks/wrappers.py --agents 24 --envs 256``

Every interface has a raw twin: a ``VecEnv`` of as many worlds, that is sent the same actions. All take turns in a
random order, round after round, so that the drift of a shared machine hits all alike. ``ratio`` and ``overhead_us`` (a
step of all its worlds) are of the time on a core, ``agent_steps_per_second`` is by the clock on the wall.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pufferlib
import pufferlib.vector
import torch
from measurement import commit, machine, spread
from numpy.typing import NDArray
from torchrl.envs import step_mdp

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.mettagrid.wrappers.gymnasium import MettaGridGymEnv
from metta.mettagrid.wrappers.gymnasium_vector import MettaGridVectorEnv
from metta.mettagrid.wrappers.pettingzoo import MettaGridPettingZooEnv
from metta.mettagrid.wrappers.puffer import PufferMettaGridEnv
from metta.rl.torchrl_env import MettaGridTorchRLEnv

Step = Callable[[int], None]
ACTION_SETS = 64
SECONDS_A_TURN = 0.15


@dataclass
class Player:
    """One interface or twin: ``step(i)`` plays the i-th set of actions; wall and core seconds a step, by round."""

    name: str
    twin: str
    rows: int
    step: Step
    steps: int = 1
    wall: list[float] = field(default_factory=list)
    core: list[float] = field(default_factory=list)

    def warm_up(self) -> None:
        """Find out how many steps make a turn."""
        for i in range(20):
            self.step(i)
        start = time.perf_counter()
        for i in range(20):
            self.step(i)
        self.steps = max(20, int(SECONDS_A_TURN / (time.perf_counter() - start) * 20))

    def play(self) -> None:
        """One turn."""
        wall, core = time.perf_counter(), time.process_time()
        for i in range(self.steps):
            self.step(i % ACTION_SETS)
        self.wall.append((time.perf_counter() - wall) / self.steps)
        self.core.append((time.process_time() - core) / self.steps)


def raw(agents: int, envs: int, actions: NDArray[np.int32]) -> Step:
    batch = VecEnvConfig(env=make_arena(agents), num_envs=envs, num_slots=1, num_threads=1, desync_episodes=False)
    env = make_vec_env(batch, seed=0)
    env.recv(0)

    def step(i: int) -> None:
        env.send(0, actions[i])
        env.recv(0)

    return step


def puffer(agents: int, envs: int, actions: NDArray[np.int32]) -> Step:
    kwargs = {"num_agents": agents, "num_envs": envs}
    env: Any = pufferlib.vector.make(PufferMettaGridEnv, env_kwargs=kwargs, backend=pufferlib.PufferEnv)
    env.async_reset(seed=0)
    env.recv()

    def step(i: int) -> None:
        env.send(actions[i])
        env.recv()

    return step


def gymnasium_vector(agents: int, envs: int, actions: NDArray[np.int32]) -> Step:
    env = MettaGridVectorEnv("arena", num_agents=agents, num_envs=envs * agents)
    env.reset(seed=0)
    return lambda i: void(env.step(actions[i]))


def gymnasium_single(actions: NDArray[np.int32]) -> Step:
    env = MettaGridGymEnv("arena")
    env.reset(seed=0)
    chosen = actions[:, 0].tolist()

    def step(i: int) -> None:
        if env.step(chosen[i])[3]:
            env.reset()

    return step


def pettingzoo(agents: int, actions: NDArray[np.int32]) -> Step:
    env = MettaGridPettingZooEnv("arena", num_agents=agents)
    env.reset(seed=0)
    chosen = [dict(zip(env.agents, row.tolist(), strict=True)) for row in actions[:, :agents]]

    def step(i: int) -> None:
        env.step(chosen[i])
        if not env.agents:
            env.reset()

    return step


def torchrl(agents: int, envs: int, actions: NDArray[np.int32]) -> Step:
    env = MettaGridTorchRLEnv("arena", num_agents=agents, num_envs=envs)
    chosen = torch.from_numpy(actions).long().reshape(ACTION_SETS, envs, agents)
    state = [env.reset()]

    def step(i: int) -> None:
        td = state[0]
        td["agent", "action"] = chosen[i]
        after = env.step(td)
        ended = after["next", "done"]
        state[0] = step_mdp(after) if not ended.any() else env.maybe_reset(step_mdp(after))

    return step


def void(_: object) -> None:
    """Drops a result, as a loop that does not look at it would."""


def players(agents: int, envs: int) -> list[Player]:
    """All interfaces and the twins that they are compared with."""
    actions = np.random.default_rng(0).integers(0, 14, (ACTION_SETS, envs * agents), dtype=np.int32)
    few, one = np.ascontiguousarray(actions[:, :agents]), np.ascontiguousarray(actions[:, :1])
    batch, world, single = f"raw, {envs} worlds", "raw, 1 world", "raw, 1 world of 1 agent"
    return [
        Player(batch, batch, envs * agents, raw(agents, envs, actions)),
        Player("puffer", batch, envs * agents, puffer(agents, envs, actions)),
        Player("gymnasium vector", batch, envs * agents, gymnasium_vector(agents, envs, actions)),
        Player("torchrl", batch, envs * agents, torchrl(agents, envs, actions)),
        Player(world, world, agents, raw(agents, 1, few)),
        Player("pettingzoo parallel", world, agents, pettingzoo(agents, actions)),
        Player(single, single, 1, raw(1, 1, one)),
        Player("gymnasium", single, 1, gymnasium_single(actions)),
    ]


def main() -> None:
    args = _parse_args()
    torch.set_num_threads(1)
    everyone = players(args.agents, args.envs)
    for player in everyone:
        player.warm_up()
    order, shuffler = list(everyone), random.Random(0)
    for _ in range(args.rounds):
        shuffler.shuffle(order)
        for player in order:
            player.play()
    by_name = {player.name: player for player in everyone}
    for player in everyone:
        print(json.dumps(_result(player, by_name[player.twin], args)), flush=True)


def _result(player: Player, twin: Player, args: argparse.Namespace) -> dict[str, Any]:
    return {
        "name": "wrappers",
        "interface": player.name,
        "raw_twin": twin.name,
        "commit": commit(),
        "machine": machine(),
        "n": args.rounds,
        "agents": player.rows,
        "agent_steps_per_second": spread([player.rows / seconds for seconds in player.wall]),
        "ratio": spread([mine / its for mine, its in zip(twin.core, player.core, strict=True)], digits=3),
        "overhead_us": spread([(its - mine) * 1e6 for mine, its in zip(twin.core, player.core, strict=True)], digits=1),
    }


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--agents", type=int, default=24, help="agents in one world")
    parser.add_argument("--envs", type=int, default=256, help="worlds of the batched interfaces")
    parser.add_argument("--rounds", type=int, default=15)
    return parser.parse_args()


if __name__ == "__main__":
    main()
