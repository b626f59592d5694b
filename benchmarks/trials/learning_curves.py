"""Trial: how fast policies learn, at equal agent-steps and on the wall clock, over several seeds.

    python benchmarks/trials/learning_curves.py --recipe arena --policy bag --policy fast --seeds 3 --steps 1_000_000

Each seed is one `train` command with one thread of arithmetic, `--jobs` of them side by side; the trained policies are
then scored by `evaluate` in the same held-out worlds. Prints one JSON line: for each policy the curve of hearts (mean,
smallest and largest over the seeds, at fixed numbers of steps), the wall time until `--hearts` hearts an agent, and the
final score. With `--reference URI` that policy (a scripted teacher, say) is scored too. `--picture FILE` draws the
curves with their bands; it needs matplotlib. Finished seeds are kept in `--data-dir` and not trained again.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

from measurement import commit, machine  # pyright: ignore[reportMissingImports]

ROOT = Path(__file__).parents[2]
POINTS = 20
HEARTS = ("env_agent/heart.gained", "env_agent/heart.gained.avg")
"""Names that the metric has."""


@dataclass(frozen=True)
class Curve:
    """Of one seed, an entry for each epoch in which episodes ended; ``seconds`` of training so far."""

    steps: list[int]
    hearts: list[float]
    seconds: list[float]

    def at(self, step: float) -> float | None:
        """Hearts of the last entry at or before ``step``; None before the first episodes end."""
        known = [hearts for at, hearts in zip(self.steps, self.hearts, strict=True) if at <= step]
        return known[-1] if known else None

    def seconds_until(self, hearts: float, window: int = 5) -> float | None:
        """When the mean of ``window`` entries first reached ``hearts``; None if it never did."""
        for index in range(window, len(self.hearts) + 1):
            if statistics.fmean(self.hearts[index - window : index]) >= hearts:
                return self.seconds[index - 1]
        return None


def main() -> None:
    args = parse_arguments()
    folder = args.data_dir or Path(tempfile.mkdtemp(prefix="learning-curves-"))
    jobs = [(policy, seed) for seed in range(args.seeds) for policy in args.policy]
    with ThreadPoolExecutor(args.jobs) as pool:
        list(pool.map(lambda job: train(args, folder, *job), jobs))
    found = {policy: summarize(args, folder, policy) for policy in args.policy}
    references = {uri: score(args, folder, [uri])[uri] for uri in args.reference}
    if args.picture is not None:
        draw(args, found, references)
    line = {
        "benchmark": "learning_curves",
        "recipe": args.recipe,
        "steps": args.steps,
        "seeds": args.seeds,
        "jobs": args.jobs,
        "overrides": args.set,
        "policies": found,
        "reference": references,
        "machine": machine(),
        "commit": commit(),
    }
    print(json.dumps(line))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="arena")
    parser.add_argument("--policy", action="append", default=[], help="a preset; may be given several times")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=1_000_000, help="agent-steps of each training")
    parser.add_argument("--hearts", type=float, default=5.0, help="tell the wall time until so many hearts an agent")
    parser.add_argument("--jobs", type=int, default=2, help="trainings side by side")
    parser.add_argument("--episodes", type=int, default=4, help="episodes of each simulation in the final score")
    parser.add_argument("--reference", action="append", default=[], help="URI of a policy to score beside them")
    parser.add_argument("--set", action="append", default=[], help="further overrides of the train command")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--picture", type=Path)
    return parser.parse_args()


def name_of(args: argparse.Namespace, policy: str, seed: int) -> str:
    return f"{args.recipe}.{policy}.{args.steps}.s{seed}"


def train(args: argparse.Namespace, folder: Path, policy: str, seed: int) -> None:
    name = name_of(args, policy, seed)
    began = time.monotonic()
    run(
        "train",
        args.recipe,
        f"run={name}",
        f"policy_architecture={policy}",
        f"system.seed={seed}",
        "system.torch_threads=1",
        f"system.data_dir={folder}",
        f"trainer.total_timesteps={args.steps}",
        "evaluator.epoch_interval=0",
        "checkpointer.epoch_interval=25",
        *args.set,
    )
    print(f"{name}: {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)


def run(*arguments: str) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NO_COLOR": "1"}
    command = [sys.executable, "-m", "metta.cli.main", *arguments]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return done.stdout


def read_curve(folder: Path) -> Curve:
    """From the logs of one run."""
    seconds: dict[int, float] = {}
    for line in (folder / "timing.jsonl").read_text().splitlines():
        row = json.loads(line)
        seconds[row["epoch"]] = row["metric/total_time"]
    steps: list[int] = []
    hearts: list[float] = []
    times: list[float] = []
    for line in (folder / "metrics.jsonl").read_text().splitlines():
        row: dict[str, Any] = json.loads(line)
        if (key := next((key for key in HEARTS if key in row), None)) is not None:
            steps.append(int(row.get("agent_step", row.get("step", row.get("metric/agent_step", 0)))))
            hearts.append(float(row[key]))
            times.append(seconds[row["epoch"]])
    return Curve(steps, hearts, times)


def summarize(args: argparse.Namespace, folder: Path, policy: str) -> dict[str, Any]:
    runs = [folder / name_of(args, policy, seed) for seed in range(args.seeds)]
    curves = [read_curve(path) for path in runs]
    grid = [round(args.steps * (index + 1) / POINTS) for index in range(POINTS)]
    points = [(step, [round(hearts, 2) for curve in curves if (hearts := curve.at(step)) is not None]) for step in grid]
    until = [curve.seconds_until(args.hearts) for curve in curves]
    reached = sorted(seconds for seconds in until if seconds is not None)
    scores = [*score(args, folder, [f"file://{path}/checkpoints" for path in runs]).values()]
    return {
        "curve": [
            {"step": step, "mean": round(statistics.fmean(hearts), 2), "min": min(hearts), "max": max(hearts)}
            for step, hearts in points
            if len(hearts) == len(curves)
        ],
        "seconds_to_hearts": {
            "hearts": args.hearts,
            "reached": len(reached),
            "seconds": [round(s, 1) for s in reached],
        },
        "training_seconds": [round(curve.seconds[-1], 1) for curve in curves if curve.seconds],
        "score": {"mean": round(statistics.fmean(scores), 2), "of_seeds": [round(one, 2) for one in scores]},
    }


def score(args: argparse.Namespace, folder: Path, uris: Sequence[str]) -> dict[str, float]:
    """Hearts an agent and episode in held-out worlds, mean over the recipe's simulations, by URI as given."""
    out = Path(tempfile.mkdtemp(dir=folder))
    run(
        "evaluate", args.recipe, f"policy_uris=[{','.join(uris)}]", f"num_episodes={args.episodes}", f"output_dir={out}"
    )
    card = json.loads(next(out.glob("**/*.json")).read_text())
    return dict(zip(uris, hearts_of(card), strict=True))


def hearts_of(card: dict[str, Any]) -> list[float]:
    """Mean over the simulations, in the order of the card's policies."""
    return [
        statistics.fmean(metrics["heart.gained"]["mean"] for metrics in of_policy.values())
        for of_policy in card["policies"].values()
    ]


def draw(args: argparse.Namespace, found: dict[str, Any], references: dict[str, float]) -> None:
    import matplotlib.pyplot as plt  # pyright: ignore[reportMissingImports]

    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for policy, result in found.items():
        points = result["curve"]
        steps = [point["step"] for point in points]
        (line,) = axes.plot(steps, [point["mean"] for point in points], label=policy)
        band = [point["min"] for point in points], [point["max"] for point in points]
        axes.fill_between(steps, *band, color=line.get_color(), alpha=0.2, linewidth=0)
    for uri, style in zip(references, ("--", ":", "-.") * len(references), strict=False):
        axes.axhline(references[uri], linestyle=style, color="gray", label=uri)
    axes.set(xlabel="agent-steps", ylabel="hearts an agent and episode", title=f"{args.recipe}, {args.seeds} seeds")
    axes.set_ylim(bottom=0)
    axes.legend()
    figure.savefig(args.picture)


if __name__ == "__main__":
    main()
