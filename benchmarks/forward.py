"""Time of a policy's forward passes on real observations: one JSON line.

    python benchmarks/forward.py [--policy bag] [--executor compiled] [--game arena] [--rows 384] [--minibatch 4096]

``act``: one call for ``rows`` agents. ``evaluate``: a minibatch of segments, forward and backward, without optimizer.
``bag_forward`` and ``bag_backward`` are the token bag's kernels alone, on the same minibatch. Observations are those of
arena agents that act at random. For ``bag`` ``over_handwritten`` says, by batch and executor, what the network costs
over one written by hand (``handwritten_bag.py``), as the median of paired ratios within this run. On a shared machine
the minima are the steadier figures.
"""

from __future__ import annotations

import argparse
import json
import platform
import statistics
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from metta.agent.policy_config import PolicyConfig
from metta.common.openmp import shorten_spins
from metta.mettagrid.builder.envs import make_arena, make_arena_sparse
from metta.mettagrid.vec_env_config import VecEnvConfig

GAMES = {"arena": make_arena, "arena_sparse": make_arena_sparse}
WARM_UP_STEPS = 100
Times = tuple[list[float], list[float]]
"""Wall and processor seconds of each repeat."""


def main() -> None:
    args = parse_args()
    shorten_spins()  # as the command line does, before torch is imported
    import torch
    from handwritten_bag import compare

    from metta.agent.policy import build_policy
    from metta.mettagrid.vec_env import make_vec_env

    torch.set_num_threads(args.threads)
    agents = 24
    segments = args.minibatch // args.horizon
    config = VecEnvConfig(env=GAMES[args.game](agents), num_envs=-(-max(args.rows, segments) // agents), num_slots=1)
    env = make_vec_env(config, seed=args.seed)
    data = {key: torch.stack(values, 1) for key, values in play(env, args.horizon).items()}
    env.close()
    policy_config: Any = TypeAdapter(PolicyConfig).validate_python({"type": args.policy, "executor": args.executor})
    policy = build_policy(policy_config, env.spec, device=args.device, seed=args.seed)
    data = {key: value.to(policy.device) for key, value in data.items()}
    used = float((data["env_obs"][..., 0] != 0xFF).sum(-1).float().mean())
    batch = {key: value[:segments].contiguous() for key, value in data.items()}
    result: dict[str, Any] = {
        "act_us": spread(
            time_act(policy, {key: value[: args.rows, 0] for key, value in data.items()}, args.repeats), 1
        ),
        "evaluate_us_per_row": spread(time_evaluate(policy, batch, args.repeats), segments * args.horizon),
    }
    for name, times in time_bag(policy, batch, args.repeats).items():
        result[f"{name}_us_per_row"] = spread(times, segments * args.horizon)
    if args.policy == "bag":
        flat = data["env_obs"].flatten(0, 1)
        result["over_handwritten"] = {
            str(rows): compare(policy.network, flat[:rows].contiguous(), 5 * args.repeats)
            for rows in sorted({args.rows, args.minibatch})
        }
    print(json.dumps({**describe(args), "tokens_per_observation": round(used, 1), **result}))


def play(env: Any, horizon: int) -> dict[str, list[Any]]:
    """``horizon`` steps of agents that choose among their allowed actions, after a warm-up."""
    import torch

    from metta.agent.policies.mock import build_mock_policy

    policy, generator = build_mock_policy("random", env.spec), torch.Generator().manual_seed(0)
    record: dict[str, list[Any]] = {"env_obs": [], "first": [], "action_mask": [], "action": []}
    for step in range(WARM_UP_STEPS + horizon):
        batch = env.recv(0)
        td = {
            "env_obs": torch.from_numpy(batch.observations).clone(),
            "first": torch.from_numpy(batch.first).clone(),
            "action_mask": torch.from_numpy(batch.action_mask).clone(),
        }
        policy.act(td, generator=generator)
        env.send(0, td["action"].int().numpy())
        if step >= WARM_UP_STEPS:
            for key, values in record.items():
                values.append(td[key])
    return record


def time_act(policy: Any, td: dict[str, Any], repeats: int) -> Times:
    """Seconds of each call of ``act``."""
    import torch

    policy.init_memory(td["first"].shape[0])
    generator = torch.Generator(device=policy.device).manual_seed(0)
    with torch.inference_mode():
        return measure(lambda: policy.act(dict(td), generator=generator), 20 * repeats, policy.device)


def time_evaluate(policy: Any, batch: dict[str, Any], repeats: int) -> Times:
    """Seconds of each forward and backward pass of the minibatch."""
    import torch

    rows = batch["first"].shape[0]
    memory = {
        f"memory/{name}": torch.zeros(rows, *shape, dtype=dtype, device=policy.device)
        for name, (shape, dtype) in policy.memory_spec.items()
    }

    def run() -> None:
        policy.zero_grad()
        output = policy.evaluate(batch | memory)
        (output["act_log_prob"].mean() + output["entropy"].mean() + output["values"].mean()).backward()

    return measure(run, repeats, policy.device)


def time_bag(policy: Any, batch: dict[str, Any], repeats: int) -> dict[str, Times]:
    """Seconds of the native kernels alone; empty for policies without a bag, and on a GPU."""
    import torch

    from metta.agent.components.token_bag import TokenBag
    from metta.common import _kernels

    bag = dict(policy.network.items()).get("bag")
    if not isinstance(bag, TokenBag) or policy.device.type != "cpu":
        return {}
    obs, threads = batch["env_obs"].flatten(0, 1).numpy(), torch.get_num_threads()
    weight, bias = bag.weight.detach(), bag.bias.detach()
    out = torch.randn(obs.shape[0], weight.shape[1]).numpy()
    grad_weight, grad_bias = torch.empty_like(weight).numpy(), torch.empty_like(bias).numpy()

    def forward() -> None:
        _kernels.token_bag_forward(bag.tables, obs, weight.numpy(), bias.numpy(), False, out, threads)

    def backward() -> None:
        _kernels.token_bag_backward(bag.tables, obs, None, out, grad_weight, grad_bias, threads)

    return {"bag_forward": measure(forward, repeats), "bag_backward": measure(backward, repeats)}


def measure(run: Callable[[], object], repeats: int, device: Any = None) -> Times:
    """Wall and processor seconds of each of ``repeats`` calls, after a warm-up."""
    import torch

    wall: list[float] = []
    cpu: list[float] = []
    for index in range(repeats + 3):
        start, cpu_start = time.perf_counter(), time.process_time()
        run()
        if device is not None and device.type == "cuda":
            torch.cuda.synchronize(device)
        if index >= 3:
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - cpu_start)
    return wall, cpu


def spread(times: Times, rows: int) -> dict[str, float]:
    """Microseconds per row: minimum, median and maximum of the wall time, minimum of the time on all cores."""
    wall, cpu = ([1e6 * value / rows for value in values] for values in times)
    figures = {"min": min(wall), "median": statistics.median(wall), "max": max(wall), "cpu_min": min(cpu)}
    return {name: round(value, 3) for name, value in figures.items()}


def describe(args: argparse.Namespace) -> dict[str, Any]:
    """What was measured, and where."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(command, capture_output=True, text=True, check=False, cwd=Path(__file__).parent)
    return {
        "name": "forward",
        "commit": commit.stdout.strip() or "unknown",
        "machine": f"{platform.processor() or platform.machine()}, {platform.system()}",
        "n": args.repeats,
        **{
            key: getattr(args, key)
            for key in ("policy", "executor", "game", "rows", "minibatch", "horizon", "threads", "device")
        },
    }


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", default="bag", help="type of policy_architecture that reads tokens")
    parser.add_argument("--executor", default="sequential", help="executor of the policy")
    parser.add_argument("--game", choices=sorted(GAMES), default="arena")
    parser.add_argument("--rows", type=int, default=384, help="agents in one call of act")
    parser.add_argument("--minibatch", type=int, default=4096, help="agent-steps that evaluate gets")
    parser.add_argument("--horizon", type=int, default=64, help="steps of a segment")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


if __name__ == "__main__":
    main()
