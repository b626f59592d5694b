"""Torch's global settings: device, threads, seeds, determinism."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import sys
from collections.abc import Iterator

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


_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # malloc.h of glibc


def _keep_freed_memory() -> None:
    """Let glibc's malloc keep what is freed instead of handing it back to the system.

    A minibatch frees and allocates the same megabytes again and again; each time the system would hand out pages of
    zeros, one fault for every 4 kB: as much time as the arithmetic on them. Elsewhere this does nothing.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, 64 << 20)
        mallopt(_M_TRIM_THRESHOLD, 256 << 20)


@contextlib.contextmanager
def settled() -> Iterator[None]:
    """Within it the garbage collector leaves alone what was built before: a training makes little garbage, and looking
    through every module again and again takes a few percent of its time.
    """
    gc.freeze()
    gc.collect()  # nothing to look through; counts anew: else garbage waits until it is a quarter of all there ever was
    try:
        yield
    finally:
        gc.unfreeze()


def setup_torch(*, seed: int, threads: int = 0, device: str = "auto") -> torch.device:
    """Fix threads (0 = all cores) and torch's global random state; refuse nondeterministic kernels on the CPU.

    Equal bits are promised for equal ``threads``: sums are split by thread.
    """
    resolved = resolve_device(device)
    _keep_freed_memory()
    torch.set_num_threads(threads or available_threads())
    torch.manual_seed(derive_seed(seed, "torch"))
    torch.use_deterministic_algorithms(resolved.type == "cpu")
    torch_determinism.fill_uninitialized_memory = False  # pyright: ignore[reportAttributeAccessIssue]  # costs a pass over every new tensor
    return resolved
