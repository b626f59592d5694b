"""Training speed of a recipe: one JSON line with agent-steps per second and where the time goes.

    python benchmarks/train.py --recipe arena [--policy bag] [--seconds 30] [--threads 2] [--first-step]

Whole epochs are run as in a training, without hooks and without saving. The clock starts after two epochs of warm-up.
`split` are shares of the wall clock; `cpu_us_per_step` is what all threads together spent, waiting actively included.
`--first-step` adds how long the real command takes to its first environment step (`benchmarks/first_step.py`).
"""

from __future__ import annotations

import argparse
import importlib
import json
import platform
import resource
import statistics
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import first_step
from pydantic import TypeAdapter

from metta.agent.policy_config import PolicyConfig, default_policy_config
from metta.common.openmp import shorten_spins
from metta.common.run_dir import RunDir
from metta.envs.env_config import make_env

WARM_UP_EPOCHS = 2
PARTS = ("rollout.env", "rollout.inference", "advantage", "update")


def main() -> None:
    args = parse_args()
    shorten_spins()  # as the command line does, before torch is imported
    from metta.rl.torch_setup import settled, setup_torch

    device = setup_torch(seed=args.seed, threads=args.threads, device=args.device)
    trainer = make_trainer(args, device)
    with settled():
        for _ in range(WARM_UP_EPOCHS):
            trainer.train_epoch()
        result = measure(trainer, args.seconds)
    trainer.env.close()
    if args.first_step:
        result["first_step"] = first_step.measure(args.recipe, rounds=3)
    print(json.dumps({**describe(args, trainer, device), **result}))


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="arena", help="module below recipes/prod")
    parser.add_argument("--policy", default=None, help="policy_architecture; default: the recipe's")
    parser.add_argument("--seconds", type=float, default=30.0, help="measure at least this long")
    parser.add_argument("--threads", type=int, default=0, help="torch threads; 0 = all cores")
    parser.add_argument("--num-envs", type=int, default=None, help="environments; default: the recipe's")
    parser.add_argument("--env-threads", type=int, default=0, help="threads of the environments; 0 = all cores")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--first-step", action="store_true", help="also time the command up to its first step")
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="trainer settings, e.g. gamma=0.99")
    return parser.parse_args()


def make_trainer(args: argparse.Namespace, device: Any, **more: Any) -> Any:
    from metta.agent.policy import build_policy
    from metta.rl.trainer import Trainer

    tool = importlib.import_module(f"recipes.prod.{args.recipe}").train()
    settings = {key: json.loads(value) for key, value in (setting.split("=", 1) for setting in args.set)}
    changes: dict[str, Any] = {"system.device": args.device, "trainer.total_timesteps": 10**12}
    changes |= {f"trainer.{key}": value for key, value in settings.items()}
    if args.policy is not None:
        changes["policy_architecture"] = TypeAdapter(PolicyConfig).validate_python({"type": args.policy})
    if args.num_envs:
        changes["training_env.num_envs"] = args.num_envs
    if args.env_threads:
        changes["training_env.num_threads"] = args.env_threads
    tool = tool.replace(changes)  # sizes that nobody set are fitted to all of it
    env = make_env(tool.training_env, args.seed)
    policy_config = tool.policy_architecture or default_policy_config(env.spec.obs_kind)
    policy = build_policy(policy_config, env.spec, device=device, seed=args.seed)
    run_dir = RunDir.at(Path(tempfile.gettempdir()), "benchmark-train")
    return Trainer(tool.trainer, env, policy, run_dir, device=device, seed=args.seed, **more)


def measure(trainer: Any, seconds: float) -> dict[str, Any]:
    speeds: list[float] = []
    spent: dict[str, float] = {}
    begin, cpu_before = time.perf_counter(), time.process_time()
    steps_before = trainer.state.agent_step
    while not speeds or time.perf_counter() - begin < seconds:
        start = time.perf_counter()
        stats = trainer.train_epoch()
        speeds.append(stats.rollout.agent_steps / (time.perf_counter() - start))
        for name, value in stats.seconds.items():
            spent[name] = spent.get(name, 0.0) + value
    wall, cpu = time.perf_counter() - begin, time.process_time() - cpu_before
    steps = trainer.state.agent_step - steps_before
    split = {name: round(spent[name] / wall, 4) for name in PARTS}
    split["other"] = round(1.0 - sum(split.values()), 4)
    return {
        "sps": round(steps / wall),
        "cpu_us_per_step": round(1e6 * cpu / steps, 2),
        "epochs": {
            "n": len(speeds),
            "min": round(min(speeds)),
            "median": round(statistics.median(speeds)),
            "max": round(max(speeds)),
        },
        "split": {"rollout": round(spent["rollout"] / wall, 4), **split},
        "seconds": round(wall, 1),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
    }


def describe(args: argparse.Namespace, trainer: Any, device: Any) -> dict[str, Any]:
    import torch

    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    return {
        "benchmark": "train",
        "recipe": args.recipe,
        "policy": trainer.policy.config.type,
        "parameters": sum(parameter.numel() for parameter in trainer.policy.parameters()),
        "rows": trainer.env.num_rows,
        "batch_size": trainer.config.batch_size,
        "minibatch_size": trainer.config.minibatch_size,
        "update_epochs": trainer.config.update_epochs,
        "torch_threads": torch.get_num_threads(),
        "device": str(device),
        "machine": f"{platform.machine()} {cpu_name()}",
        "commit": commit.stdout.strip(),
    }


def cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "")


if __name__ == "__main__":
    main()
