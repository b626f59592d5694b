"""Where the microseconds of a training step go: one JSON line with each native kernel and each stage around them.

    python benchmarks/train_parts.py --recipe arena --policy bag --threads 2 --seconds 10

Epochs run as in `benchmarks/train.py`, with a clock around every native kernel and the stages that call them. For each
part: calls an epoch, median and smallest milliseconds a call, and microseconds an agent-step (median times calls). A
kernel is told apart by stage; stages contain the kernels they call, so that the difference is torch and Python.
"""

from __future__ import annotations

import json
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import train


class Clocks:
    """Wraps functions; ``times`` has the seconds of each call by name, kernels below the stage that was on."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = defaultdict(list)
        self.stage = "rollout"

    def around(self, owner: Any, name: str, label: str, *, stage: str | None = None) -> None:
        """From now on time ``owner.name``. ``stage``: what is on while it runs."""
        inner: Callable[..., Any] = getattr(owner, name)

        def timed(*args: Any, **kwargs: Any) -> Any:
            before, self.stage = self.stage, stage or self.stage
            key = label.format(stage=self.stage)
            start = time.perf_counter()
            try:
                return inner(*args, **kwargs)
            finally:
                self.times[key].append(time.perf_counter() - start)
                self.stage = before

        setattr(owner, name, timed)


def main() -> None:
    args = train.parse_args()
    train.shorten_spins()
    from metta.rl.torch_setup import settled, setup_torch

    device = setup_torch(seed=args.seed, threads=args.threads, device=args.device)
    trainer = train.make_trainer(args, device)
    clocks = Clocks()
    restore = put_clocks(clocks, trainer)
    try:
        with settled():
            for _ in range(train.WARM_UP_EPOCHS):
                trainer.train_epoch()
            clocks.times.clear()
            result = train.measure(trainer, args.seconds)
    finally:
        restore()
    trainer.env.close()
    epochs, steps = result["epochs"]["n"], trainer.config.batch_size
    parts = {name: summary(times, epochs, steps) for name, times in sorted(clocks.times.items())}
    line = {**train.describe(args, trainer, device), "benchmark": "train_parts", "sps": result["sps"], "parts": parts}
    print(json.dumps(line))


def put_clocks(clocks: Clocks, trainer: Any) -> Callable[[], None]:
    """Put clocks around kernels and stages; returns what takes them off again."""
    import torch

    from metta.common import _kernels
    from metta.rl import rollout, update

    kernels = [
        name for name in dir(_kernels) if not name.startswith("_") and not isinstance(getattr(_kernels, name), type)
    ]
    places: list[tuple[Any, str, str, str | None]] = [
        *((_kernels, name, f"{{stage}}/kernel/{name}", None) for name in kernels),
        (update, "_step", "update/minibatch", "update"),
        (rollout, "_act", "rollout/act", "rollout"),
        (torch.Tensor, "backward", "update/backward", None),
        (trainer.objective, "forward", "update/objective", None),
        (trainer.policy, "evaluate", "update/evaluate", None),
        (trainer.policy, "act", "rollout/policy", None),
        (trainer.optimizer, "step", "update/optimizer", None),
        (trainer.experience, "gather", "update/gather", None),
        (trainer.experience, "write_step", "rollout/write", None),
    ]
    originals = [(owner, name, getattr(owner, name)) for owner, name, _, _ in places]
    for owner, name, label, stage in places:
        clocks.around(owner, name, label, stage=stage)

    def restore() -> None:
        for owner, name, original in originals:
            setattr(owner, name, original)

    return restore


def summary(times: list[float], epochs: int, steps: int) -> dict[str, float]:
    median = statistics.median(times)
    calls = len(times) / epochs
    return {
        "calls": round(calls, 1),
        "median_ms": round(1e3 * median, 3),
        "min_ms": round(1e3 * min(times), 3),
        "us_per_step": round(1e6 * median * calls / steps, 3),
    }


if __name__ == "__main__":
    main()
