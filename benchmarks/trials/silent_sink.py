"""Trial: what a Weights & Biases server that falls silent costs a training: one JSON line.

    python benchmarks/trials/silent_sink.py --rounds 3 --steps 500_000

The same training with `wandb.mode=off` and with `wandb.mode=online` in turn. The server, on the loopback, answers until
the run has begun and never after that. `speed_ratio` is online over off within each round, from the third epoch on,
hooks included; `end_s` is the time from the last epoch to the end of the process.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from measurement import commit, machine  # pyright: ignore[reportMissingImports]

from tests.tracking.conftest import WandbServer

ROOT = Path(__file__).resolve().parents[2]
BEGUN = "UpsertBucket"
"""What a client asks to begin a run."""


def main() -> None:
    args = parse_arguments()
    ratios: list[float] = []
    ends: dict[str, list[float]] = {"off": [], "online": []}
    for round_number in range(args.rounds):
        speeds: dict[str, float] = {}
        for mode in ("off", "online") if round_number % 2 == 0 else ("online", "off"):
            with tempfile.TemporaryDirectory() as folder:
                speeds[mode], end = train(args, mode, Path(folder))
            ends[mode].append(end)
        ratios.append(speeds["online"] / speeds["off"])
    line = {
        "benchmark": "silent_sink",
        "rounds": args.rounds,
        "speed_ratio": {"median": statistics.median(ratios), "all": [round(ratio, 3) for ratio in ratios]},
        "end_s": {mode: [round(end, 1) for end in of_mode] for mode, of_mode in ends.items()},
        "machine": machine(),
        "commit": commit(),
    }
    print(json.dumps(line))


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=500_000)
    return parser.parse_args()


def train(args: argparse.Namespace, mode: str, folder: Path) -> tuple[float, float]:
    """Agent-steps per second and seconds from the last epoch to the end."""
    server = WandbServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    host, port = server.server_address[:2]
    environment = {**os.environ, "WANDB_BASE_URL": f"http://{host}:{port}", "WANDB_API_KEY": "0" * 40}
    command = [sys.executable, "-m", "metta.cli.main", "train", "arena", "run=sink", f"system.data_dir={folder}"]
    command += [f"trainer.total_timesteps={args.steps}", "evaluator.epoch_interval=0", f"wandb.mode={mode}"]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    try:
        while process.poll() is None and not server.silent:
            server.silent = BEGUN in server.requests or mode == "off"
            time.sleep(0.05)
        errors = process.communicate()[1]
        ended = time.time()
    finally:
        process.kill()
        server.released.set()
        server.shutdown()
        server.server_close()
        thread.join()
    if process.returncode != 0 or (mode == "online" and BEGUN not in server.requests):
        sys.exit(f"{' '.join(command)} ended with {process.returncode}:\n{errors[-2000:]}")
    log = folder / "sink" / "timing.jsonl"
    rows: list[dict[str, Any]] = [json.loads(line) for line in log.read_text().splitlines()]
    first, last = rows[1], rows[-1]
    seconds = last["metric/total_time"] - first["metric/total_time"]
    return (last["agent_step"] - first["agent_step"]) / seconds, ended - log.stat().st_mtime


if __name__ == "__main__":
    main()
