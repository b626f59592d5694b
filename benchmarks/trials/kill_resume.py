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
BATCH_SIZE = 256
SAVE_INTERVAL = 3
SETTINGS = (
    "num_agents=2",
    "training_env.num_envs=4",
    f"trainer.batch_size={BATCH_SIZE}",
    "trainer.minibatch_size=128",
    "trainer.bptt_horizon=16",
    f"checkpointer.epoch_interval={SAVE_INTERVAL}",
    "evaluator.epoch_interval=0",
    "system.torch_threads=1",
)
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
    """When to kill: ``seconds`` after this start has ended ``epochs`` epochs; 0 epochs: after the start itself.

    Epochs and not seconds say how far a start gets, so that a busy machine makes a trial slower and not longer.
    """

    epochs: int
    seconds: float


@dataclass(frozen=True)
class Pace:
    """Seconds that an undisturbed run needs until its first epoch ends, and for an epoch from there on."""

    startup: float
    epoch: float

    def draw(self, stream: random.Random, epochs: int) -> Moment:
        """One kill in four hits the start, the others any moment of a save's interval; a start gets at most a fifth of
        the ``epochs`` done.
        """
        if stream.random() < 0.25:
            return Moment(0, stream.uniform(0.0, self.startup))
        return Moment(1 + stream.randrange(max(1, epochs // 5)), stream.uniform(0.0, SAVE_INTERVAL * self.epoch))


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


def finishes_before(process: subprocess.Popen[bytes], data_dir: Path, wanted: int) -> bool:
    """Wait until there are ``wanted`` rows; whether the training ended before they were seen."""
    while rows(data_dir) < wanted:
        if finishes(process, data_dir, 0.001):
            return True
    return False


def killed(data_dir: Path, plan: Plan, moment: Moment, tally: Tally) -> bool:
    """Start the training and kill it at ``moment``; False when it reached its end before."""
    before = rows(data_dir)
    process = start(data_dir, plan)
    if moment.epochs and finishes_before(process, data_dir, before + moment.epochs):
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
    finishes_before(process, data_dir, 1)
    first = time.monotonic()
    require_success(process.wait(), data_dir)
    return Pace(startup=first - began, epoch=(time.monotonic() - first) / plan.epochs)


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
            alive = killed(data_dir, plan, pace.draw(stream, plan.epochs), tally)
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
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=60, help="length of each training")
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
