"""Trial: training that is killed again and again must end with the bytes of a training that nobody disturbed.

    python benchmarks/trials/kill_resume.py --kills 50 --seed 1 --policy bag

A training process gets SIGKILL at random moments (also while it starts, saves and resumes) and is started again with
the same command; when it reaches its end, policies and statistics are compared byte for byte, and a new run begins
until all kills are spent. Prints one JSON line. The seed fixes the delays, the machine what they hit.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

RUN = "trial"
SETTINGS = (
    "num_agents=2",
    "training_env.num_envs=4",
    "trainer.batch_size=256",
    "trainer.minibatch_size=128",
    "trainer.bptt_horizon=16",
    "checkpointer.epoch_interval=3",
    "evaluator.epoch_interval=0",
    "system.torch_threads=1",
)
BATCH_SIZE = 256
POLICIES = {
    "bag": ("policy_architecture=bag", "policy_architecture.bag_width=8"),
    "bag_lstm": (
        "policy_architecture=bag_lstm",
        "policy_architecture.bag_width=8",
        "policy_architecture.lstm_size=8",
    ),
}
"""Small ones. With the recurrent one, the memory of every agent belongs to what must survive."""


@dataclass(frozen=True)
class Plan:
    """What each training is: ``policy`` is a key of ``POLICIES``."""

    policy: str
    epochs: int


@dataclass
class Tally:
    """What the kills met: rows of statistics tell how far training was."""

    kills: int = 0
    kills_in_startup: int = 0
    runs: int = 0
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Moment:
    """When to kill: ``seconds`` after the start, or after the first epoch that this start ends."""

    after_first_epoch: bool
    seconds: float


@dataclass(frozen=True)
class Pace:
    """Seconds that an undisturbed run needs until its first epoch ends, and from there to its end."""

    startup: float
    training: float

    def draw(self, stream: random.Random) -> Moment:
        """One kill in four hits the start, the others hit training; a start gets about a quarter of it done."""
        if stream.random() < 0.25:
            return Moment(False, stream.uniform(0.0, self.startup))
        return Moment(True, stream.uniform(0.0, self.training / 2))


def command(data_dir: Path, plan: Plan) -> list[str]:
    place = [f"run={RUN}", f"system.data_dir={data_dir}", f"trainer.total_timesteps={plan.epochs * BATCH_SIZE}"]
    return [sys.executable, "-P", "-m", "metta.cli.main", "train", "arena", *place, *SETTINGS, *POLICIES[plan.policy]]


def start(data_dir: Path, plan: Plan) -> subprocess.Popen[bytes]:
    data_dir.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "NO_COLOR": "1"}
    with (data_dir / "output").open("ab") as output:
        return subprocess.Popen(command(data_dir, plan), stdout=output, stderr=subprocess.STDOUT, env=environment)


def require_success(code: int, data_dir: Path) -> None:
    """Stop the trial when a training ended with an error of its own.

    Raises:
        SystemExit: with the training's last lines.
    """
    if code != 0:
        lines = (data_dir / "output").read_text(errors="replace").splitlines()[-20:]
        raise SystemExit(f"training in {data_dir} ended with exit code {code}:\n" + "\n".join(lines))


def rows(data_dir: Path) -> int:
    path = data_dir / RUN / "metrics.jsonl"
    return path.read_bytes().count(b"\n") if path.exists() else 0


def finishes(process: subprocess.Popen[bytes], data_dir: Path, seconds: float) -> bool:
    """Whether the training reaches its end within ``seconds``."""
    try:
        require_success(process.wait(seconds), data_dir)
    except subprocess.TimeoutExpired:
        return False
    return True


def finishes_first(process: subprocess.Popen[bytes], data_dir: Path, more_than: int) -> bool:
    """Wait for the first epoch of this start; whether the training ended before it was seen."""
    while rows(data_dir) <= more_than:
        if finishes(process, data_dir, 0.001):
            return True
    return False


def killed(data_dir: Path, plan: Plan, moment: Moment, tally: Tally) -> bool:
    """Start the training and kill it at ``moment``; False when it reached its end before."""
    before = rows(data_dir)
    process = start(data_dir, plan)
    if moment.after_first_epoch and finishes_first(process, data_dir, before):
        return False
    if finishes(process, data_dir, moment.seconds):
        return False
    process.kill()
    process.wait()
    tally.kills += 1
    tally.kills_in_startup += rows(data_dir) <= before
    return True


def differences(disturbed: Path, undisturbed: Path) -> list[str]:
    """Names of files that differ in bytes, are missing, or should not be there."""
    kept = {path.name for root in (disturbed, undisturbed) for path in root.glob("checkpoints/*.mpt")}
    names = ["metrics.jsonl", *(f"checkpoints/{name}" for name in sorted(kept))]
    found = [name for name in names if _bytes(disturbed / name) != _bytes(undisturbed / name)]
    if _lines(disturbed / "timing.jsonl") != _lines(undisturbed / "timing.jsonl"):
        found.append("timing.jsonl: number of rows")
    return found + [f"left over: {path.relative_to(disturbed)}" for path in sorted(disturbed.rglob(".partial-*"))]


def _bytes(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def _lines(path: Path) -> int:
    return (_bytes(path) or b"").count(b"\n")


def measure(data_dir: Path, plan: Plan) -> Pace:
    """Run the training undisturbed."""
    began = time.monotonic()
    process = start(data_dir, plan)
    finishes_first(process, data_dir, 0)
    first = time.monotonic()
    require_success(process.wait(), data_dir)
    return Pace(startup=first - began, training=time.monotonic() - first)


def run_trial(root: Path, kills: int, seed: int, plan: Plan, seconds: float = math.inf) -> Tally:
    """Spend ``kills`` kills on runs below ``root``; a run without differences is removed again. After
    ``seconds`` no further kill is made: the last run is finished and compared.
    """
    end = time.monotonic() + seconds
    undisturbed = root / "undisturbed"
    pace = measure(undisturbed, plan)
    tally, stream = Tally(), random.Random(seed)
    while tally.kills < kills and time.monotonic() < end:
        data_dir = root / f"run-{tally.runs}"
        alive = True
        while alive and tally.kills < kills and time.monotonic() < end:
            alive = killed(data_dir, plan, pace.draw(stream), tally)
        if alive:
            require_success(start(data_dir, plan).wait(), data_dir)
        found = differences(data_dir / RUN, undisturbed / RUN)
        tally.differences += [f"{data_dir.name}: {name}" for name in found]
        tally.runs += 1
        if not found:
            shutil.rmtree(data_dir)
    return tally


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=100, help="length of each training")
    parser.add_argument("--policy", choices=sorted(POLICIES), default="bag_lstm")
    parser.add_argument("--minutes", type=float, default=math.inf, help="make no further kill after that long")
    arguments = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="kill-resume-"))
    began = time.monotonic()
    plan = Plan(arguments.policy, arguments.epochs)
    tally = run_trial(root, arguments.kills, arguments.seed, plan, arguments.minutes * 60)
    result = {
        "name": "kill_resume",
        "policy": arguments.policy,
        "seed": arguments.seed,
        "kills": tally.kills,
        "kills_before_an_epoch_ended": tally.kills_in_startup,
        "runs": tally.runs,
        "differences": tally.differences,
        "seconds": round(time.monotonic() - began, 1),
    }
    print(json.dumps(result))
    if tally.differences:
        print(f"The runs that differ are kept in {root}.", file=sys.stderr)
        return 1
    shutil.rmtree(root)
    return 0


if __name__ == "__main__":
    sys.exit(main())
