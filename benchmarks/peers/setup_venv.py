"""Make the virtual environment in which the released MettaGrid wheel runs, apart from the project's. Some minutes.

    python benchmarks/peers/setup_venv.py

A second call does nothing. The folder ``.peers`` may be deleted at any time.
"""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path

VENV = Path(__file__).resolve().parents[2] / ".peers"
PYTHON = VENV / "bin" / "python"
PACKAGES = ("mettagrid==0.26.22",)
MARKER = VENV / "installed.txt"


def ensure_venv() -> Path:
    """The peers' interpreter; installs what is missing.

    Raises:
        CalledProcessError: pip failed; its own message stands on stderr.
    """
    wanted = "\n".join(PACKAGES)
    if MARKER.exists() and MARKER.read_text(encoding="utf-8") == wanted:
        return PYTHON
    venv.create(VENV, with_pip=True)
    subprocess.run([str(PYTHON), "-m", "pip", "install", "--quiet", *PACKAGES], check=True, stdout=sys.stderr)
    MARKER.write_text(wanted, encoding="utf-8")
    return PYTHON


if __name__ == "__main__":
    print(ensure_venv())
