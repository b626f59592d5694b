"""Make the virtual environment in which the peers run, apart from the project's. Some minutes.

    python benchmarks/peers/setup_venv.py [--trainers]

A second call does nothing. The folder ``.peers`` may be deleted at any time.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import venv
from collections.abc import Sequence
from pathlib import Path

VENV = Path(__file__).resolve().parents[2] / ".peers"
PYTHON = VENV / "bin" / "python"
PACKAGES = ("mettagrid==0.26.22",)
TRAINERS = (
    "torch==2.13.0",
    *PACKAGES,
    "pufferlib-core==3.0.19",
    "stable-baselines3==2.9.2",
    "torchrl==0.14.1",
)
MARKER = VENV / "installed.txt"


def ensure_venv(packages: Sequence[str] = PACKAGES) -> Path:
    """The peers' interpreter; installs what is missing of ``packages``.

    Raises:
        CalledProcessError: pip failed; its own message stands on stderr.
    """
    installed = set(MARKER.read_text(encoding="utf-8").split()) if MARKER.exists() else set[str]()
    if set(packages) <= installed:
        return PYTHON
    if not PYTHON.exists():
        venv.create(VENV, with_pip=True)
    for package in packages:  # one by one: what comes first says which torch the others get
        if package not in installed:
            subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", package], check=True, stdout=sys.stderr)
    MARKER.write_text("\n".join(sorted(installed | set(packages))), encoding="utf-8")
    return PYTHON


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trainers", action="store_true", help="also what compare_train.py compares with")
    print(ensure_venv(TRAINERS if parser.parse_args().trainers else PACKAGES))
