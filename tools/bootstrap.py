"""Makes and repairs ``.venv`` with Metta in it. Standard library only; shared by ``run.py`` and ``test.py``.

The quick way compares sizes and times of a few dozen files with ``.venv/metta-stamp.json`` and returns: about 5 ms.
Everything else happens under a lock, so that commands started at once set up once.
"""

from __future__ import annotations

import json
import os

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "metta-stamp.json")
UNFINISHED = os.path.join(VENV, "metta-unfinished")
_SOURCES = ("pyproject.toml", "CMakeLists.txt", "cpp")
_NOT_BUILT = {"tests", "bench"}  # below cpp/: not part of the installed core
_WAIT_SECONDS = 3600


class BootstrapError(Exception):
    """What is missing on this machine, with the package to install."""


def ensure_ready(extras: tuple[str, ...]) -> str:
    """The Python of a ``.venv`` that holds Metta, its dependencies and ``extras``, built from the present sources.

    Raises:
        BootstrapError: a compiler, a Python package or the network is missing.
    """
    stamp = _read_stamp()
    if _is_current(stamp, extras, stat_digest()):
        return PYTHON
    if int(os.environ.get("LOCAL_RANK", "0") or 0) > 0:
        return _wait_for_rank_zero(extras)

    from install import Installer, locked

    with locked(os.path.join(ROOT, "build", "bootstrap.lock")):
        stamp = _read_stamp()  # another process may have done it while we waited
        if not _is_current(stamp, extras, stat_digest()):
            Installer(stamp, extras).bring_up_to_date()
    return PYTHON


def stat_digest() -> str:
    """Sizes and times of change of all that the installed core depends on."""
    lines = [f"{path} {size} {changed}" for path, size, changed in sorted(_source_files())]
    return hash_text(lines)


def hash_text(lines: list[str]) -> str:
    import zlib  # a change detector of the user's own files, not a signature; hashlib takes longer to import

    text = "\n".join(lines).encode()
    return f"{len(lines)}-{zlib.crc32(text):08x}-{zlib.adler32(text):08x}"


def write_stamp(values: dict[str, object]) -> None:
    """Write the stamp in one go; it exists only when everything before it succeeded."""
    partial = f"{STAMP}.{os.getpid()}"
    with open(partial, "w", encoding="utf-8") as file:
        json.dump(values, file)
    os.replace(partial, STAMP)


def source_paths() -> list[str]:
    """All files behind ``stat_digest``."""
    return sorted(path for path, _, _ in _source_files())


def _source_files() -> list[tuple[str, int, int]]:
    found: list[tuple[str, int, int]] = []
    for name in _SOURCES:
        path = os.path.join(ROOT, name)
        if os.path.isdir(path):
            _scan(path, found, top=True)
        elif os.path.exists(path):
            status = os.stat(path)
            found.append((path, status.st_size, status.st_mtime_ns))
    return found


def _scan(folder: str, found: list[tuple[str, int, int]], top: bool = False) -> None:
    for entry in os.scandir(folder):
        if entry.is_dir():
            if not (top and entry.name in _NOT_BUILT):
                _scan(entry.path, found)
        elif entry.name.endswith((".cpp", ".h", ".txt", ".cmake")):
            status = entry.stat()
            found.append((entry.path, status.st_size, status.st_mtime_ns))


def _is_current(stamp: dict[str, object], extras: tuple[str, ...], digest: str) -> bool:
    have = stamp.get("extras")
    return (
        stamp.get("stat") == digest and isinstance(have, list) and set(extras) <= set(have) and os.path.exists(PYTHON)
    )


def _read_stamp() -> dict[str, object]:
    try:
        with open(STAMP, encoding="utf-8") as file:
            value = json.load(file)
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _wait_for_rank_zero(extras: tuple[str, ...]) -> str:
    """Ranks of one machine share the environment: the first one sets it up, the others wait for its stamp."""
    import time

    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        if _is_current(_read_stamp(), extras, stat_digest()):
            return PYTHON
        time.sleep(0.5)
    raise BootstrapError("Rank 0 did not finish the set-up within an hour. Run ./tools/run.py --list once by itself.")
