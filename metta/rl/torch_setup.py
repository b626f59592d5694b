"""Torch's global settings: device, threads, seeds, determinism."""

from __future__ import annotations

import os

import torch
import torch.utils.deterministic as torch_determinism

from metta.common.errors import ConfigError
from metta.common.seeding import derive_seed


def resolve_device(device: str) -> torch.device:
    """``auto`` is the GPU where there is one, else the CPU.

    Raises:
        ConfigError: the name is no device, or the machine lacks it.
    """
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        resolved = torch.device(device)
    except RuntimeError as error:
        raise ConfigError(f"system.device={device!r} is no device. Use auto, cpu, cuda or cuda:<number>.") from error
    if resolved.type == "cuda" and (resolved.index or 0) >= torch.cuda.device_count():
        raise ConfigError(
            f"system.device={device!r}, but torch sees {torch.cuda.device_count()} CUDA devices. Use system.device=cpu."
        )
    return resolved


def available_threads() -> int:
    """CPU cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def setup_torch(*, seed: int, threads: int = 0, device: str = "auto") -> torch.device:
    """Fix threads (0 = all cores) and torch's global random state; refuse nondeterministic kernels on the CPU.

    Equal bits are promised for equal ``threads``: sums are split by thread.
    """
    resolved = resolve_device(device)
    torch.set_num_threads(threads or available_threads())
    torch.manual_seed(derive_seed(seed, "torch"))
    torch.use_deterministic_algorithms(resolved.type == "cpu")
    torch_determinism.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]  # costs a pass over every new tensor
    return resolved
