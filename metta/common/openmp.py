"""How long the threads of torch's arithmetic wait actively for each other."""

from __future__ import annotations

import os

SPINS = "2000"
"""A few microseconds: longer than the gap between two kernels, shorter than what a thread off its core costs."""


def shorten_spins() -> None:
    """Call before torch is imported: OpenMP reads its environment when it is loaded.

    By default a thread spins for milliseconds at the end of each kernel. On a machine with other work it then burns the
    core that the thread it waits for needs: training on 2 shared cores was 5 times slower. Results are the same. What
    the user has set stays.
    """
    if not any(name in os.environ for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY")):
        os.environ["GOMP_SPINCOUNT"] = SPINS
