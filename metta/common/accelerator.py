"""Is there a GPU? Asked before torch is loaded, to size a training for the machine."""

from __future__ import annotations

import os
from importlib import metadata
from pathlib import Path

NVIDIA_DRIVER = Path("/proc/driver/nvidia/version")


def will_use_gpu(device: str, driver: Path = NVIDIA_DRIVER) -> bool:
    """Whether ``system.device=<device>`` will train on a GPU, as far as can be told without torch.

    >>> will_use_gpu("cpu"), will_use_gpu("cuda:1")
    (False, True)
    """
    if device != "auto":
        return device.startswith("cuda")
    if not driver.exists() or os.environ.get("CUDA_VISIBLE_DEVICES", "0").strip() in ("", "-1"):
        return False
    return not metadata.version("torch").endswith("+cpu")
