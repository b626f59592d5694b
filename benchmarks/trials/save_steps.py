"""Trial: a training is killed at every single call with which it changes a file, and started again.

    python benchmarks/trials/save_steps.py

A short training of the arena writes its folder, rows, policies and states, removes old ones and ends. A library that is
loaded first (``write_calls.c``) numbers its calls of open, write, fsync, rename, unlink, mkdir, chmod and truncate. The
training is then run again for each of them, and killed there (in the middle of every second write); the same command
must end with the bytes of the undisturbed training. The recorded calls also show what a power cut needs: a file is
synced before it is renamed, its folder afterwards, and a manifest comes after all that it names. Prints one JSON line.

Trainings are forks of this process, which has imported everything: a tenth of a second each and not ten.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from kill_resume import BATCH_SIZE, POLICIES, RUN, SETTINGS, differences

SOURCE = Path(__file__).with_name("write_calls.c")
EPOCHS, SAVE_INTERVAL = 7, 2
"""Three states are due, of which two are kept, and the last epoch's."""
MANIFEST = "manifest.json"
KILLED, TOO_LATE = "killed", "ended"
Call = tuple[str, str, str]


def arguments_of(data_dir: Path, policy: str) -> list[str]:
    place = [f"run={RUN}", f"system.data_dir={data_dir}", f"trainer.total_timesteps={EPOCHS * BATCH_SIZE}"]
    kept = ["checkpointer.keep_last=2", f"checkpointer.epoch_interval={SAVE_INTERVAL}"]
    return ["train", "arena", *place, *SETTINGS, *POLICIES[policy], *kept]


class Trainer:
    """Runs the training of one policy in forks."""

    def __init__(self, policy: str) -> None:
        self.policy = policy
        self.library = ctypes.CDLL(os.environ["LD_PRELOAD"])

    def run(self, data_dir: Path, at: int = 0, *, torn: bool = False, trace: Path | None = None) -> int:
        """Train below ``data_dir`` and die at the call number ``at``; the exit code, negative after a signal."""
        data_dir.mkdir(parents=True, exist_ok=True)
        child = os.fork()
        if child == 0:
            self._train(data_dir, at, torn, trace)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    def _train(self, data_dir: Path, at: int, torn: bool, trace: Path | None) -> None:
        output = os.open(data_dir / "output", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(output, 1)
        os.dup2(output, 2)
        from metta.cli.main import main

        below = str(data_dir / RUN)
        code = 70
        with contextlib.suppress(BaseException):
            self.library.metta_arm(ctypes.c_long(at), int(torn), str(trace).encode() if trace else None, below.encode())
            code = main(arguments_of(data_dir, self.policy))
            if trace is not None:
                Path(f"{trace}.modules").write_text(json.dumps(sorted(sys.modules)))
        os._exit(code)


def read_trace(path: Path) -> list[Call]:
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return [(what, first, second) for what, first, second in lines]


def order_faults(calls: Sequence[Call]) -> list[str]:
    """What a power cut could do to the files that these calls wrote: names that could outlive their content."""
    content: set[str] = set()
    """Files with bytes that are not synced."""
    entries: defaultdict[str, set[str]] = defaultdict(set)
    """Names in a folder that are not synced."""
    known: set[str] = set()
    """Names that are there already: opening a file once more, or a folder that exists, changes no folder."""
    faults: list[str] = []
    for what, path, target in calls:
        folder = os.path.dirname(path)
        if what in {"open", "mkdir", "link"} and path not in known:
            known.add(path)
            entries[folder].add(path)
        if what in {"write", "truncate"}:
            content.add(path)
        elif what == "fsync":
            content.discard(path)
            entries.pop(path, None)
        elif what == "unlink":
            content.discard(path)
            known.discard(path)
            entries[folder].discard(path)
        elif what == "rename":
            known = (known - {path}) | {target}
            if path in content:
                faults.append(f"{target} was renamed before it was synced")
            entries[folder].discard(path)
            if target.endswith(MANIFEST):
                faults += _unsafe(os.path.dirname(target), content, entries)
            entries[os.path.dirname(target)].add(target)
    return faults + [f"the name {name} is not synced at the end" for name in _results(entries)]


def _unsafe(folder: str, content: set[str], entries: dict[str, set[str]]) -> list[str]:
    """What a manifest in ``folder`` relies on and is not on the disk yet."""
    run = os.path.dirname(os.path.dirname(folder))
    rows = {f"{run}/metrics.jsonl", f"{run}/timing.jsonl"}
    faults = [f"{name} is not synced when {folder} gets its manifest" for name in content & rows]
    named = {*entries.get(folder, ()), *(entries.get(os.path.dirname(folder), set()) & {folder})}
    named |= entries.get(run, set()) & (rows | {os.path.dirname(folder)})
    return faults + [f"the name {name} is not synced when {folder} gets its manifest" for name in sorted(named)]


def _results(entries: dict[str, set[str]]) -> list[str]:
    return sorted(name for names in entries.values() for name in names if name.endswith((MANIFEST, ".mpt")))


def run_trial(root: Path, policy: str, first: int, every: int) -> dict[str, object]:
    trainer, trace = Trainer(policy), root / "trace"
    undisturbed = root / "undisturbed"
    if code := trainer.run(undisturbed, trace=trace):
        raise SystemExit(f"exit code {code}:\n{(undisturbed / 'output').read_text()}")
    for name in json.loads(Path(f"{trace}.modules").read_text()):
        if name.split(".")[0] in {"metta", "recipes", "torch", "tensordict", "safetensors"}:
            importlib.import_module(name)
    calls = read_trace(trace)
    faults, ends = [], {KILLED: 0, TOO_LATE: 0}
    for number in range(first, len(calls) + 1, every):
        data_dir = root / f"at{number}"
        code = trainer.run(data_dir, number, torn=calls[number - 1][0] == "write" and number // every % 2 == 0)
        ends[KILLED if code == -signal.SIGKILL else TOO_LATE] += 1
        again = trainer.run(data_dir)
        found = [f"exit code {again} of the next start"] if again else []
        found += differences(data_dir / RUN, undisturbed / RUN)
        faults += [f"call {number}, {' '.join(calls[number - 1])}: {one}" for one in found]
        if not found:
            subprocess.run(["rm", "-r", str(data_dir)], check=True)
    if ends[TOO_LATE]:
        faults.append(f"{ends[TOO_LATE]} trainings ended before the call at which they were to die")
    return {"calls": len(calls), "kills": ends[KILLED], "faults": faults, "order_faults": order_faults(calls)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--policy", choices=sorted(POLICIES), default="bag")
    parser.add_argument("--first", type=int, default=1, help="the first call to kill at")
    parser.add_argument("--every", type=int, default=1, help="kill at each N-th call from there on")
    args = parser.parse_args()
    if "LD_PRELOAD" not in os.environ:
        with tempfile.TemporaryDirectory() as folder:
            library = Path(folder) / "write_calls.so"
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, SOURCE, "-ldl"], check=True)
            environment = {**os.environ, "LD_PRELOAD": str(library), "NO_COLOR": "1", "OMP_NUM_THREADS": "1"}
            return subprocess.run([sys.executable, *sys.argv], env=environment, check=False).returncode
    import torch  # noqa: F401  # before the first fork

    began = time.monotonic()
    root = Path(tempfile.mkdtemp(prefix="save-steps-"))
    told = run_trial(root, args.policy, args.first, args.every)
    result = {"name": "save_steps", "policy": args.policy, **told, "seconds": round(time.monotonic() - began, 1)}
    print(json.dumps(result))
    if told["faults"] or told["order_faults"]:
        print(f"What differs is kept in {root}.", file=sys.stderr)
        return 1
    subprocess.run(["rm", "-r", str(root)], check=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
