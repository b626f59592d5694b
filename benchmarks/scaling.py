"""How training speed grows with ranks: one JSON line with agent-steps per second for each number of ranks.

    python benchmarks/scaling.py --ranks 1 2 [--policy bag] [--seconds 20] [--rounds 2]

Each rank gathers a whole batch of its own (weak scaling) with ``threads`` torch threads and as many for its
environments. The numbers of ranks run in turn, ``rounds`` times; ``efficiency`` is speed over ranks x the speed of one.
Also measured: bytes of gradients per optimizer step, and the time of one all-reduce of them.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

from train import cpu_name, make_trainer

from metta.common.openmp import shorten_spins
from metta.tools.launcher import is_rank, launch

WARM_UP_EPOCHS = 2


def main() -> int:
    args = parse_args()
    if is_rank():
        measure_rank(args)
        return 0
    shorten_spins()
    found: dict[int, list[dict[str, Any]]] = {ranks: [] for ranks in args.ranks}
    for _ in range(args.rounds):
        for ranks in args.ranks:
            found[ranks].append(run(ranks))
    print(json.dumps(summary(args, found)))
    return 0


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--recipe", default="arena")
    parser.add_argument("--policy", default="bag")
    parser.add_argument("--seconds", type=float, default=20.0, help="measure at least this long")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1, help="of torch and of the environments, in each rank")
    parser.add_argument("--num-envs", type=int, default=None)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--into", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def run(ranks: int) -> dict[str, Any]:
    """What rank 0 of ``ranks`` measured.

    Raises:
        SystemExit: a rank failed.
    """
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "result.json"
        code = launch([sys.executable, *sys.argv, "--into", str(place)], ranks, 0)
        if code:
            raise SystemExit(f"{ranks} ranks ended with exit code {code}")
        return json.loads(place.read_text())


def measure_rank(args: argparse.Namespace) -> None:
    from metta.rl.distributed import open_world
    from metta.rl.torch_setup import setup_torch

    world = open_world(args.device)
    name = f"cuda:{world.local_rank}" if args.device.startswith("cuda") else args.device
    device = setup_torch(seed=world.seed(args.seed), threads=args.threads, device=name)
    args.env_threads = args.threads
    trainer = make_trainer(args, device, world=world)
    for _ in range(WARM_UP_EPOCHS):
        trainer.train_epoch()
    began, steps, updates = time.perf_counter(), 0, 0.0
    while not world.any(time.perf_counter() - began > args.seconds, "the end"):
        stats = trainer.train_epoch()
        steps += stats.rollout.agent_steps
        updates += stats.seconds["update"]
    seconds = time.perf_counter() - began
    parameters = [weight for weight in trainer.objective.parameters() if weight.requires_grad]
    sizes = {"gradient_bytes": sum(4 * weight.numel() for weight in parameters), "world": world.size}
    told = {
        "sps": steps / seconds,
        "update_share": updates / seconds,
        "all_reduce": all_reduce_seconds(world, parameters),
    }
    if world.is_master:
        Path(args.into).write_text(json.dumps({**told, **sizes, "batch_size": trainer.config.batch_size}))
    world.close()


def all_reduce_seconds(world: Any, parameters: list[Any]) -> float:
    """Median time of summing all gradients over the ranks."""
    import torch

    gradients = torch.zeros(sum(weight.numel() for weight in parameters), device=parameters[0].device)
    spent: list[float] = []
    for _ in range(20):
        began = time.perf_counter()
        world.sum(gradients)
        spent.append(time.perf_counter() - began)
    return statistics.median(spent)


def summary(args: argparse.Namespace, found: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    speeds = {ranks: statistics.median(one["sps"] for one in of_ranks) for ranks, of_ranks in found.items()}
    least = min(speeds)
    last = {ranks: of_ranks[-1] for ranks, of_ranks in found.items()}
    return {
        "benchmark": "scaling",
        "recipe": args.recipe,
        "policy": args.policy,
        "threads_per_rank": args.threads,
        "batch_size_per_rank": last[least]["batch_size"],
        "gradient_bytes": last[least]["gradient_bytes"],
        "sps": {str(ranks): round(speed) for ranks, speed in speeds.items()},
        "all_sps": {str(ranks): [round(one["sps"]) for one in of_ranks] for ranks, of_ranks in found.items()},
        "efficiency": {
            str(ranks): round(speed * least / (ranks * speeds[least]), 3) for ranks, speed in speeds.items()
        },
        "update_share": {str(ranks): round(one["update_share"], 3) for ranks, one in last.items()},
        "all_reduce_ms": {str(ranks): round(1000 * one["all_reduce"], 3) for ranks, one in last.items()},
        "machine": cpu_name(),
    }


if __name__ == "__main__":
    sys.exit(main())
