"""Agent-steps per second of the native engine with random actions, through the public batch. Prints one JSON line.

``python benchmarks/env_step.py --game arena --agents 24 --threads 1``

Everything is on: full token observations, masks, rewards, statistics, episode records. Actions are drawn beforehand.
``per_cpu_second`` counts only time on a core, summed over threads: on a shared machine it is the steadier figure.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.vec_env import VecEnv, make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

GAMES = {"arena": make_arena, "arena_sparse": make_arena_sparse}
ACTION_SETS = 64
WARM_UP_STEPS = 50


def main() -> None:
    args = _parse_args()
    config = VecEnvConfig(
        env=GAMES[args.game](args.agents), num_envs=args.envs, num_threads=args.threads, num_slots=args.slots
    )
    env = make_vec_env(config, seed=args.seed)
    actions = np.random.default_rng(args.seed).integers(
        0, env.spec.num_actions, size=(ACTION_SETS, env.num_rows), dtype=np.int32
    )
    _run(env, actions, WARM_UP_STEPS)
    steps = max(1, args.agent_steps // env.num_rows)
    speeds: list[float] = []
    cpu_speeds: list[float] = []
    episodes = 0
    for _ in range(args.repeats):
        start, cpu_start = time.perf_counter(), time.process_time()
        _run(env, actions, steps)
        seconds, cpu_seconds = time.perf_counter() - start, time.process_time() - cpu_start
        speeds.append(steps * env.num_rows / seconds)
        cpu_speeds.append(steps * env.num_rows / cpu_seconds)
        episodes += len(env.drain_episodes())
    used = float(env.used_tokens.mean())
    env.close()
    result = {
        "name": "env_step",
        "commit": _commit(),
        "machine": f"{_cpu_model()}, {platform.system()} {platform.machine()}",
        "n": args.repeats,
        "agent_steps_per_second": round(statistics.median(speeds)),
        "min": round(min(speeds)),
        "max": round(max(speeds)),
        "per_cpu_second": round(statistics.median(cpu_speeds)),
        "game": args.game,
        "agents": args.agents,
        "envs": args.envs,
        "slots": args.slots,
        "threads": args.threads,
        "agent_steps_per_repeat": steps * args.envs * args.agents,
        "tokens_per_observation": round(used, 1),
        "episodes": episodes,
    }
    print(json.dumps(result))


def _run(env: VecEnv, actions: NDArray[np.int32], steps: int) -> None:
    """``steps`` steps of every slot; slots overlap as in a rollout."""
    rows = [env.recv(slot).rows for slot in range(env.num_slots)]
    for step in range(steps):
        chosen = actions[step % ACTION_SETS]
        for slot in range(env.num_slots):
            env.recv(slot)
            env.send(slot, chosen[rows[slot]])
    for slot in range(env.num_slots):
        env.recv(slot)


def _commit() -> str:
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown CPU"


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", choices=sorted(GAMES), default="arena")
    parser.add_argument("--agents", type=int, default=24, help="agents in one environment")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--envs", type=int, default=256, help="environments in the batch")
    parser.add_argument("--slots", type=int, default=1)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--agent-steps", type=int, default=1_500_000, help="agent-steps in one repeat")
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
