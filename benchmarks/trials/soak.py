"""Trial: a training that runs for long must not grow: memory, open files, threads, processes.

    python benchmarks/trials/soak.py --minutes 120 --policy bag

A training of the arena that saves, evaluates and logs all the time is watched from outside, in /proc, until the time
is over; then it gets SIGINT and has to end with exit code 130. The first fifth is warm-up. Prints one JSON line: the
growth of resident memory an hour (a line fitted through the samples after the warm-up), and the smallest and largest
number of open files, threads and child processes.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kill_resume import POLICIES, RUN, rows

WARM_UP = 0.2
MOST_GROWTH = 1.0
"""Percent of resident memory an hour."""
SHORTEST = 30.0
"""Minutes from which on the growth is judged: over less, one freed buffer looks like a trend."""
SETTINGS = (
    "num_agents=6",
    "training_env.num_envs=16",
    "trainer.batch_size=3072",
    "trainer.minibatch_size=1536",
    "trainer.total_timesteps=1_000_000_000_000",
    "checkpointer.epoch_interval=5",
    "evaluator.epoch_interval=50",
    "evaluator.num_episodes=1",
    "metrics.gradient_interval=10",
)


@dataclass(frozen=True)
class Sample:
    """What a process holds at one moment."""

    seconds: float
    memory: int
    files: int
    threads: int
    children: int


def sample(pid: int, began: float) -> Sample:
    root = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (root / "status").read_text().splitlines())
    children = sum(len((task / "children").read_text().split()) for task in (root / "task").iterdir())
    return Sample(
        seconds=time.monotonic() - began,
        memory=int(status["VmRSS"].split()[0]) * 1024,
        files=len(list((root / "fd").iterdir())),
        threads=int(status["Threads"]),
        children=children,
    )


def summarize(samples: list[Sample]) -> dict[str, object]:
    """Growth and ranges after the warm-up."""
    kept = [one for one in samples if one.seconds >= WARM_UP * samples[-1].seconds]
    line = statistics.linear_regression([one.seconds for one in kept], [one.memory for one in kept])
    ranges = {
        name: [min(getattr(one, name) for one in kept), max(getattr(one, name) for one in kept)]
        for name in ("files", "threads", "children")
    }
    return {
        "samples": len(kept),
        "memory_mb": [round(kept[0].memory / 1e6, 1), round(kept[-1].memory / 1e6, 1)],
        "memory_growth_percent_an_hour": round(100 * 3600 * line.slope / kept[0].memory, 2),
        **ranges,
    }


def watch(data_dir: Path, policy: str, minutes: float, interval: float) -> tuple[list[Sample], int, int]:
    """Samples, epochs that were trained, and the exit code."""
    place = [f"run={RUN}", f"system.data_dir={data_dir}"]
    command = [sys.executable, "-P", "-m", "metta.cli.main", "train", "arena", *place, *SETTINGS, *POLICIES[policy]]
    with (data_dir / "output").open("wb") as output:
        process = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, env={**os.environ, "NO_COLOR": "1"}
        )
    samples: list[Sample] = []
    try:
        while rows(data_dir) < 2 and process.poll() is None:
            time.sleep(0.1)
        began = time.monotonic()
        while process.poll() is None and time.monotonic() - began < 60 * minutes:
            samples.append(sample(process.pid, began))
            time.sleep(interval)
        process.send_signal(signal.SIGINT)
        code = process.wait(120)
    finally:
        process.kill()
    return samples, rows(data_dir), code


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--policy", choices=sorted(POLICIES), default="bag")
    parser.add_argument("--interval", type=float, default=2.0, help="seconds between two samples")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples, epochs, code = watch(Path(folder), args.policy, args.minutes, args.interval)
        if code != 128 + signal.SIGINT or len(samples) < 10:
            print((Path(folder) / "output").read_text()[-4000:], file=sys.stderr)
            return 1
    told = summarize(samples)
    result = {"name": "soak", "policy": args.policy, "minutes": args.minutes, "epochs": epochs, "exit": code, **told}
    print(json.dumps(result))
    grew = args.minutes >= SHORTEST and float(str(told["memory_growth_percent_an_hour"])) > MOST_GROWTH
    return 1 if grew else 0


if __name__ == "__main__":
    sys.exit(main())
