"""What every benchmark's JSON line says besides its figures: which commit ran, on which machine."""

from __future__ import annotations

import platform
import resource
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path


def commit() -> str:
    """Short id of the checked-out commit, or ``unknown``."""
    command = ["git", "rev-parse", "--short", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=Path(__file__).parent)
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return done.stdout.strip()


def machine() -> str:
    """CPU model, system and architecture."""
    return f"{_cpu_model()}, {platform.system()} {platform.machine()}"


def spread(values: Sequence[float], digits: int | None = None) -> dict[str, float]:
    """Median, smallest and largest, rounded; ``digits`` None: to whole numbers.

    >>> spread([3.0, 1.0, 2.0], digits=1)
    {'median': 2.0, 'min': 1.0, 'max': 3.0}
    """
    return {
        "median": round(statistics.median(values), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }


def peak_rss_mb() -> int:
    """Largest resident size of this process so far. Units: MiB."""
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def _cpu_model() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or "unknown CPU"
