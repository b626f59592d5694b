"""Agent-steps per second of the native engine with random actions, through the public batch. Prints one JSON line.

``python benchmarks/env_step.py --game arena --agents 24 --threads 1``, or with ``--phases`` where the time goes.

Everything is on: full observations, masks, rewards, statistics, episode records, auto-reset. Actions are drawn
beforehand. ``per_cpu_second`` counts only time on a core, summed over threads: on a shared machine it is the steadier
figure. Without ``--envs`` the batch has as many environments as make 6,144 rows: 256 arenas of 24 agents.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from games import GAMES
from measurement import commit, machine, peak_rss_mb
from numpy.typing import NDArray

from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

ROWS: Final = 6_144
ACTION_SETS: Final = 64
WARM_UP_STEPS: Final = 50
OBSERVATIONS: Final[Mapping[str, Mapping[str, Any]]] = {
    "tokens": {},
    "box": {"game.obs.kind": "box"},
    "state": {"game.obs.global_state": True},
    "circle": {"game.obs.shape": "circle"},
    "line_of_sight": {"game.obs.line_of_sight": True},
    "visits": {"game.obs.visitation_counts": True},
}
"""What each observation kind changes in the game's config."""


def main() -> None:
    args = _parse_args()
    config = make_config(args)
    env = make_vec_env(config, seed=args.seed)
    actions = np.random.default_rng(args.seed).integers(
        0, env.spec.num_actions, size=(ACTION_SETS, env.num_rows), dtype=np.int32
    )
    run_steps(env, actions, WARM_UP_STEPS)
    if args.phases:
        print(json.dumps(_profile(args, env, actions)))
        return
    steps = max(1, args.agent_steps // env.num_rows)
    speeds: list[float] = []
    cpu_speeds: list[float] = []
    episodes = 0
    for _ in range(args.repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        run_steps(env, actions, steps)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        speeds.append(steps * env.num_rows / seconds)
        cpu_speeds.append(steps * env.num_rows / cpu_seconds)
        episodes += len(env.drain_episodes())
    result = {
        "name": "env_step",
        "commit": commit(),
        "machine": machine(),
        "n": args.repeats,
        "agent_steps_per_second": round(statistics.median(speeds)),
        "min": round(min(speeds)),
        "max": round(max(speeds)),
        "per_cpu_second": round(statistics.median(cpu_speeds)),
        "game": args.game,
        "obs": args.obs,
        "agents": args.agents,
        "envs": env.num_envs,
        "slots": env.num_slots,
        "threads": args.threads,
        "agent_steps_per_repeat": steps * env.num_rows,
        "tokens_per_observation": round(float(env.used_tokens.mean()), 1),
        "episodes": episodes,
        "peak_rss_mb": peak_rss_mb(),
    }
    env.close()
    print(json.dumps(result))


def _profile(args: argparse.Namespace, env: VecEnv, actions: NDArray[np.int32]) -> dict[str, Any]:
    """Nanoseconds an agent-step by phase: the same native step with a clock between its phases, on one thread."""
    steps = max(1, args.agent_steps // env.num_rows)
    totals: dict[str, list[int]] = {}
    for step in range(steps):
        for phase, (nanoseconds, count) in env.step_timed(actions[step % len(actions)]).items():
            total = totals.setdefault(phase, [0, 0])
            total[0] += nanoseconds
            total[1] += count
    clock = totals["clock"][0] / totals["clock"][1]
    agent_steps = steps * env.num_rows
    phases = {phase: max(0.0, spent - count * clock) / agent_steps for phase, (spent, count) in totals.items()}
    del phases["clock"]
    return {
        "name": "env_step_phases",
        "commit": commit(),
        "machine": machine(),
        "n": steps,
        "game": args.game,
        "obs": args.obs,
        "agents": args.agents,
        "envs": env.num_envs,
        "ns_per_agent_step": {phase: round(spent, 1) for phase, spent in phases.items()},
        "ns_total": round(sum(phases.values()), 1),
        "clock_ns": round(clock, 1),
        "tokens_per_observation": round(float(env.used_tokens.mean()), 1),
    }


def make_config(args: argparse.Namespace) -> VecEnvConfig:
    """The batch that the command line asks for."""
    game = GAMES[args.game](args.agents).replace(dict(OBSERVATIONS[args.obs]))
    envs = args.envs or args.slots * max(1, round(ROWS / args.agents / args.slots))
    return VecEnvConfig(env=game, num_envs=envs, num_threads=args.threads, num_slots=args.slots)


def run_steps(env: VecEnv, actions: NDArray[np.int32], steps: int) -> None:
    """``steps`` steps of every slot; slots overlap as in a rollout.

    Shapes: ``actions [sets, B] int32``; the sets are used in turn.
    """
    rows = [env.recv(slot).rows for slot in range(env.num_slots)]
    for step in range(steps):
        chosen = actions[step % len(actions)]
        for slot in range(env.num_slots):
            env.recv(slot)
            env.send(slot, chosen[rows[slot]])
    for slot in range(env.num_slots):
        env.recv(slot)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", choices=sorted(GAMES), default="arena")
    parser.add_argument("--obs", choices=sorted(OBSERVATIONS), default="tokens", help="observation kind")
    parser.add_argument("--agents", type=int, default=24, help="agents in one environment")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--envs", type=int, default=0, help=f"environments in the batch; 0: about {ROWS:,} rows")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--agent-steps", type=int, default=1_500_000, help="agent-steps in one repeat")
    parser.add_argument("--phases", action="store_true", help="print nanoseconds by phase instead, on one thread")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
