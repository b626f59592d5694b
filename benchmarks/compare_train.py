"""Our trainer and those of CleanRL, PufferLib, Stable-Baselines3 and TorchRL, in turn. Prints one JSON line.

    python benchmarks/compare_train.py --rounds 3

Each round trains all of them one after another for about the same short time, so that the drift of a shared machine
hits all alike; ratios are taken within a round, against whichever peer was the fastest in it. All have 96 agents in 4
arenas with the same objects and rewards, batches of 12,288 agent-steps in minibatches of 3,072, one pass, segments of
128 steps, float32 and the same number of threads. The peers play the released MettaGrid wheel and have the network of
our ``fast``: 46 planes, two convolutions, a linear layer, LSTM (CleanRL, PufferLib) or none (the others, who have less
to do for it). Their drivers stand in ``benchmarks/peers/``; their virtual environment is made on first use.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from measurement import commit, machine, spread
from peers.setup_venv import TRAINERS, ensure_venv

from metta.common.openmp import shorten_spins

HERE = Path(__file__).resolve().parent
OURS = ("fast", "bag_lstm")
PEERS = ("cleanrl", "pufferl", "sb3", "torchrl")
ENVS, STEPS, MINIBATCH = 4, 128, 3072
BATCH = ENVS * 24 * STEPS


def main() -> None:
    args = _parse_args()
    commands = _commands(args)
    rounds = [{name: _run(command) for name, command in commands.items()} for _ in range(args.rounds)]
    print(json.dumps(_result(args, rounds)))


def _commands(args: argparse.Namespace) -> dict[str, list[str]]:
    settings = {"batch_size": BATCH, "minibatch_size": MINIBATCH, "bptt_horizon": args.horizon, "update_epochs": 1}
    pairs = [f"{key}={value}" for key, value in settings.items()]
    shared = ["--recipe", "arena", "--num-envs", str(ENVS), "--seconds", str(args.seconds)]
    train = [sys.executable, str(HERE / "train.py"), *shared, "--threads", str(args.threads)]
    commands = {policy: [*train, "--policy", policy, "--set", *pairs] for policy in args.ours}
    python = str(ensure_venv(TRAINERS)) if args.peers else ""
    sizes = ["--envs", str(ENVS), "--steps", str(STEPS), "--minibatch", str(MINIBATCH)]
    flags = [*sizes, "--updates", str(args.updates), "--threads", str(args.threads)]
    return commands | {peer: [python, str(HERE / "peers" / f"trainer_{peer}.py"), *flags] for peer in args.peers}


def _run(command: list[str]) -> dict[str, Any]:
    shorten_spins()  # as ours: threads that wait actively cost dearly on a machine with other work
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _speed(result: dict[str, Any]) -> float:
    """The median epoch."""
    return result["epochs"]["median"] if "epochs" in result else result["agent_steps_per_second"]


def _result(args: argparse.Namespace, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    speeds = {name: [_speed(entry[name]) for entry in rounds] for name in rounds[0]}
    last = rounds[-1]
    result: dict[str, Any] = {"name": "compare_train", "commit": commit(), "machine": machine(), "n": len(rounds)}
    result |= {
        "torch_threads": args.threads,
        "bptt_horizon": args.horizon,
        "agents": ENVS * 24,
        "batch_size": BATCH,
        "minibatch_size": MINIBATCH,
    }
    result["agent_steps_per_second"] = {name: spread(values) for name, values in speeds.items()}
    result["parameters"] = {name: entry["parameters"] for name, entry in last.items()}
    result["peak_memory_mb"] = {
        name: entry.get("peak_memory_mb", entry.get("peak_rss_mb")) for name, entry in last.items()
    }
    if not args.peers:
        return result
    best = [max(entry) for entry in zip(*(speeds[peer] for peer in args.peers), strict=True)]
    for policy in args.ours:
        ratios = [mine / other for mine, other in zip(speeds[policy], best, strict=True)]
        result[f"{policy}_to_best_peer"] = spread(ratios, digits=2)
    return result


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10.0, help="ours: measure at least this long")
    parser.add_argument("--updates", type=int, default=4, help="peers: epochs that count")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--horizon", type=int, default=STEPS, help="ours: steps of a segment; the peers' are 128")
    parser.add_argument("--ours", nargs="*", default=OURS, help="policies of ours")
    parser.add_argument("--peers", nargs="*", default=PEERS, help="drivers; none: nothing is downloaded")
    return parser.parse_args()


if __name__ == "__main__":
    main()
