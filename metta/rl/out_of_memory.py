"""Out of memory, said in settings: what needed it, how much there is, and which key to lower to what."""

from __future__ import annotations

import math
import re
import resource
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

import torch
from torch import nn

from metta.common.errors import MemoryLimitError, MettaError
from metta.rl.trainer_config import TrainerConfig

if TYPE_CHECKING:
    from metta.rl.trainer import Trainer

_SIGNS = (
    "DefaultCPUAllocator",
    "out of memory",
    "Storage size calculation overflowed",
    "integer multiplication overflow",
    "std::bad_alloc",
)
_TRIED = (
    re.compile(r"tried to allocate (?P<number>[\d.]+) (?P<unit>bytes|[KMGTPE]iB)", re.IGNORECASE),
    re.compile(r"Unable to allocate (?P<number>[\d.]+) (?P<unit>bytes|[KMGTPE]iB)"),
)
_UNITS = {"bytes": 1, **{f"{letter}iB": 1 << 10 * (power + 1) for power, letter in enumerate("KMGTPE")}}
_PLACES = (
    ("metta/rl/experience.py", "experience"),
    ("metta/rl/update.py", "update"),
    ("metta/rl/rollout.py", "rollout"),
    ("metta/rl/trainer_snapshot.py", "snapshot"),
    ("metta/checkpoint/", "snapshot"),
    ("metta/mettagrid/vec_env", "environments"),
    ("metta/envs/", "environments"),
    ("metta/agent/", "network"),
)
_DOING = {
    "experience": "making room for a batch of experience",
    "update": "learning from a minibatch",
    "rollout": "collecting experience",
    "snapshot": "copying the training's state",
    "environments": "making the environments",
    "network": "building the network",
    "": "working",
}
_COPIES_TRAINED = 4  # weights, gradients, two moments of Adam
_COPIES_KEPT = 3  # the state that the epoch can be gone back to: weights and moments


@dataclass(frozen=True, slots=True)
class Sizes:
    """What the settings ask for; ``architecture`` is the dumped policy config."""

    trainer: TrainerConfig
    num_envs: int
    num_rows: int
    architecture: dict[str, Any]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` means that no memory was left: Python's, numpy's, the engine's, torch's on CPU and GPU."""
    if isinstance(error, MettaError):
        return False
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


def release(trainer: Trainer, error: BaseException) -> None:
    """Let go of what the failed step held, so that there is room to save the state."""
    traceback.clear_frames(error.__traceback__)
    trainer.optimizer.zero_grad(set_to_none=True)
    if trainer.device.type == "cuda":
        torch.cuda.empty_cache()


def explained(error: BaseException, sizes: Sizes, trainer: Trainer | None = None) -> MemoryLimitError:
    """The error to raise instead of ``error``."""
    place = _place_of(error)
    tried, free = tried_bytes(error), free_bytes(trainer.device if trainer is not None else torch.device("cpu"))
    wanted = f"{_amount(tried)} more were asked for, " if tried else ""
    lines = [f"out of memory while {_DOING[place]}: {wanted}about {_amount(free)} are free."]
    lines.append(f"Set {' or '.join(advice(place, sizes, tried, free, trainer))}.")
    if trainer is not None:
        lines.append(f"What it takes now: {_parts(trainer)}.")
        lines.append(_going_on(trainer))
    return MemoryLimitError("\n".join(lines))


def advice(place: str, sizes: Sizes, tried: int, free: int, trainer: Trainer | None = None) -> list[str]:
    """Settings to lower, ``key from old to new``, the first one helps most."""
    share = min(0.5, free / tried) if tried else 0.5
    network = _smaller_network(sizes.architecture, tried, free)
    environments = _fewer_environments(sizes, share)
    if place in ("network", "snapshot"):
        return network
    if place in ("environments", "rollout"):
        return environments or network
    if place == "experience":
        return _smaller_batch(sizes, share) or environments or network
    if trainer is not None and _trained_bytes(trainer) > _activation_bytes(trainer):
        return [*network, *_smaller_minibatch(sizes, share)]
    return _smaller_minibatch(sizes, share) or network


def tried_bytes(error: BaseException) -> int:
    """How many bytes the failed request wanted; 0 where the message does not say."""
    for pattern in _TRIED:
        if found := pattern.search(str(error)):
            return int(float(found["number"]) * _UNITS[found["unit"]])
    return 0


def free_bytes(device: torch.device) -> int:
    """Memory that could still be had, within the machine's, the container's and the process's limits."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    found = [_field(Path("/proc/meminfo"), "MemAvailable")]
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    if limit != resource.RLIM_INFINITY:
        found.append(limit - _field(Path("/proc/self/status"), "VmSize"))
    group = Path("/sys/fs/cgroup")
    for maximum, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        if (allowed := _number(group / maximum)) and (taken := _number(group / used)):
            found.append(allowed - taken)
    return max(min(found), 0)


def _field(path: Path, name: str) -> int:
    try:
        lines = path.read_text().splitlines()
    except OSError:
        return 1 << 40
    return next((int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:")), 1 << 40)


def _number(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):  # no such group, or "max"
        return 0


def _place_of(error: BaseException) -> str:
    """What was going on, from the innermost frame that says it; the network's own frames count while it is built."""
    files = [frame.filename.replace("\\", "/") for frame in reversed(traceback.extract_tb(error.__traceback__))]
    found = [place for file in files for part, place in _PLACES if part in file]
    return next((place for place in found if place != "network"), found[0] if found else "")


def _smaller_network(architecture: dict[str, Any], tried: int, free: int) -> list[str]:
    widths = {key: value for key, value in architecture.items() if type(value) is int and value >= 16}
    if not widths:
        return ["a smaller policy_architecture"]
    key = max(widths, key=lambda name: widths[name])
    copies = _COPIES_TRAINED + _COPIES_KEPT
    fits = [widths[key] / 2, math.sqrt(free / (4 * copies))]  # a square layer of that width, float32
    if tried:
        fits.append(widths[key] * free / (copies * tried))
    return [_change(f"policy_architecture.{key}", widths[key], 1 << max(int(min(fits)), 1).bit_length() - 1)]


def _fewer_environments(sizes: Sizes, share: float) -> list[str]:
    fewer = _divisor(sizes.num_envs, sizes.num_envs * share)
    return [_change("training_env.num_envs", sizes.num_envs, fewer)] if fewer < sizes.num_envs else []


def _smaller_batch(sizes: Sizes, share: float) -> list[str]:
    config = sizes.trainer
    unit = sizes.num_rows * config.bptt_horizon
    batch = max(int(config.batch_size * share) // unit, 1) * unit
    if batch >= config.batch_size:
        return []
    changes = [_change("trainer.batch_size", config.batch_size, batch)]
    if batch % config.minibatch_size:
        segments = _divisor(batch // config.bptt_horizon, config.minibatch_size / config.bptt_horizon)
        changes.append(_change("trainer.minibatch_size", config.minibatch_size, segments * config.bptt_horizon))
    return [" and ".join(changes)]


def _smaller_minibatch(sizes: Sizes, share: float) -> list[str]:
    config = sizes.trainer
    now = config.minibatch_size // config.bptt_horizon
    segments = _divisor(config.num_segments, now * share)
    if segments >= now:
        return []
    return [_change("trainer.minibatch_size", config.minibatch_size, segments * config.bptt_horizon)]


def _divisor(whole: int, at_most: float) -> int:
    """The largest divisor of ``whole`` that is no larger than ``at_most``; 1 at least."""
    return max((size for size in range(1, int(at_most) + 1) if whole % size == 0), default=1)


def _change(key: str, old: int, new: int) -> str:
    return f"{key} from {old} to {new}"


def _parts(trainer: Trainer) -> str:
    experience = sum(tensor.numel() * tensor.element_size() for tensor in trainer.experience.timelines.values())
    trained, kept = _trained_bytes(trainer), _COPIES_KEPT * _weight_bytes(trainer)
    config = trainer.config
    return (
        f"weights, gradients and optimizer {_amount(trained)}, the state to go back to {_amount(kept)}, experience "
        f"{_amount(experience)} (trainer.batch_size={config.batch_size}), activations of a minibatch at least "
        f"{_amount(_activation_bytes(trainer))} (trainer.minibatch_size={config.minibatch_size})"
    )


def _weight_bytes(trainer: Trainer) -> int:
    return sum(parameter.numel() * parameter.element_size() for parameter in trainer.objective.parameters())


def _trained_bytes(trainer: Trainer) -> int:
    return _COPIES_TRAINED * _weight_bytes(trainer)


def _activation_bytes(trainer: Trainer) -> int:
    """Each layer's output and its gradient, for every step of a minibatch; of convolutions one position only."""
    weights = [getattr(module, "weight", None) for module in trainer.policy.modules()]
    widths = sum(int(weight.shape[0]) for weight in weights if isinstance(weight, nn.Parameter))
    return 2 * 4 * widths * trainer.config.minibatch_size


def _going_on(trainer: Trainer) -> str:
    policy = trainer.context.shared.latest_policy_uri
    start = f" initial_policy_uri={policy} takes over what was learned." if policy else ""
    return f"Sizes belong to a run: start it with them under another run= name.{start}"


def _amount(count: int) -> str:
    for unit in ("GiB", "MiB", "KiB"):
        if count >= _UNITS[unit]:
            return f"{count / _UNITS[unit]:,.1f} {unit}"
    return f"{count} bytes"


class MemoryGuard:
    """``with MemoryGuard(sizes) as guard:`` raises :class:`MemoryLimitError` where memory ran out; any other error
    passes. It can say more once ``guard.trainer`` is set.
    """

    def __init__(self, sizes: Sizes) -> None:
        self.sizes = sizes
        self.trainer: Trainer | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is not None and is_out_of_memory(error):
            raise explained(error, self.sizes, self.trainer) from error
