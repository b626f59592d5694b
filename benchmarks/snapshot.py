"""Time to go back to an earlier state, and what an environment costs in memory. Prints one JSON line.

    python benchmarks/snapshot.py --game arena --agents 24
    python benchmarks/snapshot.py --agents 1 --envs 100_000

``save_load_us``: a world is kept in memory, the environment is put back to it, its observations, masks and rewards are
written again. ``fork_us``: one environment becomes a copy of another. ``snapshot_restore_us``: the same through bytes
that carry the format and are checked when they come back. Medians per environment; ``rss_bytes_per_env`` is the growth
of the process by the batch, buffers included, after each environment has stepped once.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from games import GAMES
from measurement import commit, machine

from metta.mettagrid.vec_env import make_vec_env
from metta.mettagrid.vec_env_config import VecEnvConfig

SAMPLES = 2_000


def main() -> None:
    args = _parse_args()
    config = VecEnvConfig(env=GAMES[args.game](args.agents), num_envs=args.envs, num_threads=1, num_slots=1)
    before = _resident_bytes()
    env = make_vec_env(config, seed=0)
    env.recv(0)
    env.send(0, np.zeros(env.num_rows, dtype=np.int32))
    env.recv(0)
    resident = _resident_bytes() - before
    last = env.num_envs - 1

    def snapshot_and_restore() -> None:
        env.restore_env(0, env.snapshot_env(0))

    def save_and_load() -> None:
        env.load(0, env.save(0))

    result = {
        "name": "snapshot",
        "commit": commit(),
        "machine": machine(),
        "n": SAMPLES,
        "game": args.game,
        "agents": args.agents,
        "envs": env.num_envs,
        "save_load_us": _microseconds(save_and_load),
        "fork_us": _microseconds(lambda: env.fork(0, last)),
        "snapshot_restore_us": _microseconds(snapshot_and_restore),
        "state_hash_us": _microseconds(lambda: env.state_hash(0)),
        "world_bytes": env.program.world_bytes,
        "rss_bytes_per_env": round(resident / env.num_envs),
        "rss_gib": round(resident / 2**30, 3),
    }
    env.close()
    print(json.dumps(result))


def _microseconds(call: Callable[[], object]) -> float:
    """Median duration of ``call``. Units: microseconds."""
    times: list[int] = []
    for _ in range(SAMPLES):
        start = time.perf_counter_ns()
        call()
        times.append(time.perf_counter_ns() - start)
    return round(statistics.median(times) / 1e3, 2)


def _resident_bytes() -> int:
    """Resident size of this process now. Units: bytes."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", choices=sorted(GAMES), default="arena")
    parser.add_argument("--agents", type=int, default=24)
    parser.add_argument("--envs", type=int, default=64)
    return parser.parse_args()


if __name__ == "__main__":
    main()
