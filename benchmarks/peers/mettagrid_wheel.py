"""Agent-steps per second of the released MettaGrid wheel (0.26.22), random actions. Prints one JSON line.

It runs in the wheel's own virtual environment, which ``setup_venv.py`` beside it makes; it imports nothing of ours.

    .peers/bin/python benchmarks/peers/mettagrid_wheel.py --api c

``--api c`` calls the compiled simulator directly (its fastest way: one call a step, results in its own arrays), ``sim``
the Python class around it. The simulator's episodes are made endless, since a reset there builds a new object in
Python: what is timed is stepping alone, which favours the peer.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import json
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
from mettagrid.builder import envs as peer_envs
from mettagrid.config.filter import actorHas
from mettagrid.config.game_value import InventoryValue
from mettagrid.config.handler_config import Handler
from mettagrid.config.mettagrid_config import GridObjectConfig, ObsConfig, WallConfig
from mettagrid.config.mutation import updateActor
from mettagrid.config.reward_config import reward
from mettagrid.mapgen.mapgen import MapGen
from mettagrid.mapgen.scenes.random import Random
from mettagrid.simulator import Simulator

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from measurement import commit, machine, peak_rss_mb

ACTION_SETS = 256
WARM_UP_STEPS = 300
OBJECTS = {
    "arena": {"wall": 10, "altar": 5, "mine": 10, "generator": 5, "lasery": 1, "armory": 1},
    "walls": {"wall": 25},
    "empty": {},
}
RECIPES: dict[str, tuple[dict[str, int], dict[str, int]]] = {
    "mine": ({}, {"ore_red": 1}),
    "generator": ({"ore_red": 1}, {"battery_red": 1}),
    "altar": ({"battery_red": 1}, {"heart": 1}),
    "lasery": ({"battery_red": 1, "ore_red": 2}, {"laser": 1}),
    "armory": ({"ore_red": 3}, {"armor": 1}),
}
REWARDS = {"heart": 1.0, "ore_red": 0.1, "battery_red": 0.8, "laser": 0.5, "armor": 0.5}


def main() -> None:
    args = _parse_args()
    simulation = Simulator().new_simulation(make_config(args.game, args.agents, args.size), seed=args.seed)
    native: Any = simulation._c_sim
    step = native.step if args.api == "c" else simulation.step
    num_actions = len(simulation.action_names)
    actions = np.random.default_rng(args.seed).integers(0, num_actions, (ACTION_SETS, args.agents), dtype=np.int32)
    run_steps(native, step, actions, WARM_UP_STEPS)
    speeds: list[float] = []
    steps = max(1, args.agent_steps // args.agents)
    for _ in range(args.repeats):
        start = time.perf_counter()
        run_steps(native, step, actions, steps)
        speeds.append(steps * args.agents / (time.perf_counter() - start))
    used = float((native.observations()[:, :, 0] != 255).sum(axis=1).mean())
    result = {
        "name": "peer_mettagrid",
        "commit": commit(),
        "machine": machine(),
        "version": importlib.metadata.version("mettagrid"),
        "n": args.repeats,
        "agent_steps_per_second": round(statistics.median(speeds)),
        "min": round(min(speeds)),
        "max": round(max(speeds)),
        "api": args.api,
        "game": args.game,
        "agents": args.agents,
        "size": args.size,
        "agent_steps_per_repeat": steps * args.agents,
        "tokens_per_observation": round(used, 1),
        "peak_rss_mb": peak_rss_mb(),
    }
    print(json.dumps(result))


def run_steps(native: Any, step: Any, actions: np.ndarray, steps: int) -> None:
    """``steps`` steps; the actions are copied into the simulator's own array, as its wrappers do."""
    buffer = native.actions()
    for index in range(steps):
        buffer[:] = actions[index % ACTION_SETS]
        step()


def make_config(game: str, agents: int, size: int) -> Any:
    """The wheel's arena with the same chain of objects as ours, all agents in one room, 11x11 cells, 200 tokens."""
    builder = MapGen.Config(
        width=size,
        height=size,
        border_width=6,
        instance_border_width=0,
        instance=Random.Config(agents=agents, objects=OBJECTS[game]),
        num_agents=agents,
    )
    config = peer_envs.make_arena(num_agents=agents, combat=True, map_builder=builder)
    config.game.obs = ObsConfig(width=11, height=11, num_tokens=200)
    config.game.max_steps = 0
    if game != "arena":
        config.game.actions.attack.enabled = False
        return config
    config.game.objects = {"wall": WallConfig(name="wall")} | {
        name: _converter(name, needs, gives) for name, (needs, gives) in RECIPES.items()
    }
    config.game.agent.rewards = {name: reward(InventoryValue(item=name), weight=w) for name, w in REWARDS.items()}
    return config


def _converter(name: str, needs: dict[str, int], gives: dict[str, int]) -> Any:
    changes = {item: -amount for item, amount in needs.items()} | gives
    handler = Handler(filters=[actorHas(needs)] if needs else [], mutations=[updateActor(changes)])
    return GridObjectConfig(name=name, on_use_handler=handler)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--api", choices=("c", "sim"), default="c")
    parser.add_argument("--game", choices=sorted(OBJECTS), default="arena")
    parser.add_argument("--agents", type=int, default=24)
    parser.add_argument("--size", type=int, default=25, help="side of the room in cells")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--agent-steps", type=int, default=72_000, help="agent-steps in one repeat")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
