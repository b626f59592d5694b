"""Files that are either whole or absent, whenever the process or the machine dies."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

_PREFIX = ".partial-"
"""Names of files being written begin so; a dead process leaves them behind, ``remove_leftovers`` clears them."""


def write_atomic(path: Path | str, data: bytes) -> None:
    """Write ``data`` to ``path``; a reader sees the old file or the new one, never a part.

    The temporary file stands in the same directory (a rename across file systems would copy), the file is synced
    before the rename (else a crash could leave a whole name on an empty file), and the directory after it.

    Raises:
        OSError: the directory cannot be written, or the disk is full; the old file is untouched.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, name = tempfile.mkstemp(prefix=_PREFIX, suffix=f"-{target.name[:100]}", dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())  # mkstemp makes it private; results are for colleagues too
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    sync_directory(target.parent)


def sync_directory(directory: Path | str) -> None:
    """Make renames and removals in ``directory`` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_leftovers(directory: Path | str) -> list[Path]:
    """Delete what interrupted writes left in ``directory``; call it only while owning the run. Returns what went."""
    root = Path(directory)
    leftovers = sorted(root.glob(f"{_PREFIX}*")) if root.is_dir() else []
    for leftover in leftovers:
        leftover.unlink(missing_ok=True)
    return leftovers


def _umask() -> int:
    """The process's file mode mask. POSIX can only read it by setting it."""
    mask = os.umask(0o022)
    os.umask(mask)
    return mask
