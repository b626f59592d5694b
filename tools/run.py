#!/usr/bin/env python3
"""Runs Metta from a clone: makes .venv on first use, rebuilds what changed, then hands over to the command line.

Standard library only. This file also has to be understood by old Pythons: it tells them what is missing.
"""

from __future__ import annotations

import os
import sys

MINIMUM = (3, 11)
_MSG_OLD = "Metta needs Python {need} or newer, this is {got} ({path}). Install {package}, then run {command} again."


def main():  # type: () -> None
    """Get ready, then become the command line."""
    if sys.version_info < MINIMUM:
        _use_newer_python()
    from bootstrap import BootstrapError, ensure_ready

    try:
        python = ensure_ready(extras=())
    except BootstrapError as error:
        sys.exit("Error: " + str(error))
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. The same command goes on with the set-up.\n")
        sys.exit(130)
    os.environ["METTA_PROGRAM"] = sys.argv[0]
    # -P: a folder `metta` or `recipes` in the current directory must not shadow the installed packages.
    os.execv(python, [python, "-P", "-m", "metta.cli.main", *sys.argv[1:]])


def _use_newer_python():  # type: () -> None
    """Start again with a newer Python of this machine, or say what to install."""
    import shutil

    for minor in range(19, MINIMUM[1] - 1, -1):
        newer = shutil.which("python3.%d" % minor)  # noqa: UP031 - read by old Pythons
        if newer:
            os.execv(newer, [newer, *sys.argv])
    from platform import python_version

    need = "%d.%d" % MINIMUM  # noqa: UP031 - read by old Pythons
    package = "python%s and python%s-venv (Debian, Ubuntu: apt install python%s-venv)" % (need, need, need)  # noqa: UP031
    sys.exit(
        "Error: "
        + _MSG_OLD.format(need=need, got=python_version(), path=sys.executable, package=package, command=sys.argv[0])
    )


if __name__ == "__main__":
    main()
