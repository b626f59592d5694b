"""How long `train` takes to its first environment step: one JSON line.

    python benchmarks/first_step.py [--recipe arena] [--rounds 5]

In turn, each in a new process: `import torch, tensordict` alone, and the whole command until the trainer asks the
environments for their first step. `beyond_imports` is the difference within a round.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from measurement import commit, machine, spread

ROOT = Path(__file__).resolve().parents[1]

_TRAIN = """
import os, sys, time
from metta.mettagrid.vec_env import VecEnv

def stop(self, slot, actions):
    print(time.time(), flush=True)
    os._exit(0)

VecEnv.send = stop
from metta.cli.main import main
sys.exit(main(sys.argv[1:]))
"""
_IMPORTS = "import torch, tensordict, time; print(time.time(), flush=True); import os; os._exit(0)"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipe", default="arena", help="module below recipes/prod")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", help="more words of the command line")
    args = parser.parse_args()
    figures = measure(args.recipe, args.rounds, args.set)
    where = {"commit": commit(), "machine": machine()}
    print(json.dumps({"benchmark": "first_step", "recipe": args.recipe, "rounds": args.rounds, **figures, **where}))


def measure(recipe: str, rounds: int, words: Sequence[str] = ()) -> dict[str, dict[str, float]]:
    """Seconds of both and of their difference: median, smallest and largest of the rounds."""
    times: list[tuple[float, float]] = []
    for index in range(rounds + 1):
        pair = time_imports(), time_train(recipe, index, words)
        if index > 0:  # the first round reads files from the disk
            times.append(pair)
    figures = {
        "imports_s": [alone for alone, _ in times],
        "first_step_s": [whole for _, whole in times],
        "beyond_imports_s": [whole - alone for alone, whole in times],
    }
    return {name: spread(values, digits=2) for name, values in figures.items()}


def time_imports() -> float:
    """Seconds from the start of a process until torch and tensordict are imported."""
    return _until_printed([sys.executable, "-c", _IMPORTS])


def time_train(recipe: str, index: int, words: Sequence[str]) -> float:
    """Seconds from the start of a process until its training's first environment step."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["train", recipe, f"run=first{index}", f"system.data_dir={folder}", *words]
        return _until_printed([sys.executable, "-c", _TRAIN, *command])


def _until_printed(command: list[str]) -> float:
    begin = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    return float(done.stdout.split()[-1]) - begin


if __name__ == "__main__":
    main()
