"""Trial: a rank is killed again and again; each time all ranks must go on from the newest state by themselves.

    python benchmarks/trials/rank_death.py --kills 20 --seed 1

A training of two ranks (``system.nproc=2``) runs undisturbed once; then again, while one of its ranks, drawn by lot,
gets SIGKILL at a random moment of its training. The launcher has to notice, start both ranks again and reach the end,
and policies and statistics must be those of the undisturbed training, byte for byte. Prints one JSON line: how many
kills were survived so, and how long it took from a kill until training was further than it had been. The seed fixes
ranks and delays.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kill_resume import BATCH_SIZE, RUN, SETTINGS, differences, rows

RANKS = 2


@dataclass
class Tally:
    """What became of the kills."""

    survived: int = 0
    runs: int = 0
    seconds: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def command(data_dir: Path, epochs: int, kills: int) -> list[str]:
    place = [f"run={RUN}", f"system.data_dir={data_dir}", f"trainer.total_timesteps={epochs * RANKS * BATCH_SIZE}"]
    ranks = [f"system.nproc={RANKS}", f"system.max_restarts={kills}"]
    return [sys.executable, "-P", "-m", "metta.cli.main", "train", "arena", *place, *SETTINGS, *ranks]


def start(data_dir: Path, epochs: int, kills: int = 0) -> subprocess.Popen[bytes]:
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "NO_COLOR": "1"}
    with (data_dir / "output").open("ab") as output:
        return subprocess.Popen(
            command(data_dir, epochs, kills), stdout=output, stderr=subprocess.STDOUT, env=environment
        )


def rank_pids(launcher: int) -> dict[int, int]:
    """Processes by rank, among the children of ``launcher``."""
    found: dict[int, int] = {}
    for task in Path(f"/proc/{launcher}/task").iterdir():
        for child in (task / "children").read_text().split():
            try:
                entries = Path(f"/proc/{child}/environ").read_bytes().split(b"\0")
            except OSError:
                continue
            rank = [entry.removeprefix(b"RANK=") for entry in entries if entry.startswith(b"RANK=")]
            if rank:
                found[int(rank[0])] = int(child)
    return found


def wait_for_rows(process: subprocess.Popen[bytes], data_dir: Path, more_than: int, timeout: float = 1800.0) -> bool:
    """Whether a row after ``more_than`` came before the training ended."""
    end = time.monotonic() + timeout
    while rows(data_dir) <= more_than:
        if process.poll() is not None or time.monotonic() > end:
            return False
        time.sleep(0.005)
    return True


def disturb(data_dir: Path, epochs: int, kills: int, stream: random.Random, tally: Tally) -> None:
    """One training that loses a rank up to ``kills`` times; the tally says how it went."""
    process = start(data_dir, epochs, kills)
    done, seen, began = 0, 0, 0.0
    while wait_for_rows(process, data_dir, seen):
        if began:
            tally.seconds.append(time.monotonic() - began)
            began = 0.0
        if done == kills:
            break
        time.sleep(stream.uniform(0.0, 1.0))
        seen = rows(data_dir)
        pids = rank_pids(process.pid)
        if process.poll() is not None or seen >= epochs - 1 or len(pids) < RANKS:
            break
        os.kill(pids[stream.randrange(RANKS)], signal.SIGKILL)
        began, done = time.monotonic(), done + 1
    code = process.wait(600)
    tally.survived += done if code == 0 else max(0, done - 1)
    if code:
        tally.faults.append(f"exit code {code} after {done} kills: {data_dir / 'output'}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--per-run", type=int, default=5, help="kills that one training has to survive")
    parser.add_argument("--epochs", type=int, default=200)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    stream, tally, killed = random.Random(args.seed), Tally(), 0
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        undisturbed = start(root / "undisturbed", args.epochs)
        if undisturbed.wait(900):
            raise SystemExit((root / "undisturbed" / "output").read_text())
        while killed < args.kills and not tally.faults:
            data_dir = root / f"run{tally.runs}"
            before = tally.survived
            disturb(data_dir, args.epochs, min(args.per_run, args.kills - killed), stream, tally)
            tally.runs += 1
            killed += tally.survived - before
            if not tally.faults:
                tally.faults += differences(data_dir / RUN, root / "undisturbed" / RUN)
            if tally.faults:
                print((data_dir / "output").read_text()[-4000:], file=sys.stderr)
    slowest = round(max(tally.seconds, default=0.0), 1)
    median = round(statistics.median(tally.seconds), 1) if tally.seconds else 0.0
    print(
        json.dumps(
            {
                "name": "rank_death",
                "seed": args.seed,
                "kills": killed,
                "survived": tally.survived if not tally.faults else 0,
                "runs": tally.runs,
                "faults": tally.faults,
                "seconds_until_further": {"median": median, "max": slowest},
            }
        )
    )
    return 1 if tally.faults else 0


if __name__ == "__main__":
    sys.exit(main())
