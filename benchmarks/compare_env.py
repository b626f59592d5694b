"""Our engine, the released MettaGrid wheel and a minimal C arena, in turn, round after round. Prints one JSON line.

    python benchmarks/compare_env.py --rounds 7

Each round runs the three one after another on one core, each for about the same short time, so that the drift of a
shared machine hits all alike; ratios are taken within a round. The wheel's virtual environment and the C program are
made on first use (``benchmarks/peers/``). Ours has statistics, masks, rewards, records and auto-reset on, and plays
``--game`` in 256 environments; the peers keep one world in the cache.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from measurement import commit, machine, spread
from peers.setup_venv import ensure_venv

HERE = Path(__file__).resolve().parent
OURS, WHEEL, TOKGRID = "ours", "peer", "tokgrid"


def main() -> None:
    args = _parse_args()
    with tempfile.TemporaryDirectory() as folder:
        commands = _commands(args, Path(folder))
        for command in commands.values():
            _run(command)  # warm-up: files into the page cache, and an early end when something is missing
        rounds = [{name: _run(command) for name, command in commands.items()} for _ in range(args.rounds)]
    print(json.dumps(_result(args, rounds)))


def _commands(args: argparse.Namespace, folder: Path) -> dict[str, list[str]]:
    repeat = ["--repeats", "3"]
    ours = ["--game", args.game, "--agents", str(args.agents), "--agent-steps", "500000", *repeat]
    commands = {OURS: [sys.executable, str(HERE / "env_step.py"), *ours]}
    if not args.no_wheel:
        wheel = ["--agents", str(args.agents), "--agent-steps", "24000", *repeat]
        commands[WHEEL] = [str(ensure_venv()), str(HERE / "peers" / "mettagrid_wheel.py"), *wheel]
    commands[TOKGRID] = [_compile_tokgrid(folder), "0.15", "1", "3"]
    return commands


def _compile_tokgrid(folder: Path) -> str:
    compiler = shutil.which("gcc") or shutil.which("cc") or shutil.which("clang")
    if compiler is None:
        sys.exit("tokgrid needs a C compiler: got none of gcc, cc, clang on PATH. Install one: apt-get install gcc")
    program = str(folder / "tokgrid")
    subprocess.run([compiler, "-O3", "-march=native", str(HERE / "peers" / "tokgrid.c"), "-o", program], check=True)
    return program


def _run(command: list[str]) -> dict[str, Any]:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} exited with {done.returncode}:\n{done.stderr}")
    return json.loads(done.stdout.strip().splitlines()[-1])


def _result(args: argparse.Namespace, rounds: list[dict[str, dict[str, Any]]]) -> dict[str, Any]:
    speeds = {name: [entry[name]["agent_steps_per_second"] for entry in rounds] for name in rounds[0]}
    last = rounds[-1]
    result: dict[str, Any] = {"name": "compare_env", "commit": commit(), "machine": machine(), "n": len(rounds)}
    result |= {"game": args.game, "agents": args.agents}
    for name, values in speeds.items():
        result[name] = spread(values)
    for name in speeds.keys() - {OURS}:
        ratios = [mine / other for mine, other in zip(speeds[OURS], speeds[name], strict=True)]
        result[f"ratio_to_{name}"] = spread(ratios, digits=2)
    result["tokens_per_observation"] = {name: last[name]["tokens_per_observation"] for name in speeds}
    return dict(sorted(result.items(), key=lambda entry: entry[0].startswith("ratio")))


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--game", default="arena", help="ours: a name of benchmarks/games.py")
    parser.add_argument("--agents", type=int, default=24)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-wheel", action="store_true", help="leave the released wheel out: nothing is downloaded")
    return parser.parse_args()


if __name__ == "__main__":
    main()
