"""Files that are whole or absent."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from metta.common.atomic import remove_leftovers, write_atomic


def test_writes_and_replaces(tmp_path: Path) -> None:
    target = tmp_path / "made" / "x.bin"
    write_atomic(target, b"one")
    write_atomic(target, b"two")
    assert target.read_bytes() == b"two"
    assert os.listdir(target.parent) == ["x.bin"]


def test_result_has_the_usual_mode(tmp_path: Path) -> None:
    write_atomic(tmp_path / "x", b"")
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o666 & ~mask


def test_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "x"
    write_atomic(target, b"old")

    def full_disk(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("metta.common.atomic.os.fsync", full_disk)
    with pytest.raises(OSError, match="No space left"):
        write_atomic(target, b"new")
    assert target.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["x"]


def test_killed_writer_leaves_the_old_file_and_a_leftover(tmp_path: Path) -> None:
    """A process killed between writing and renaming: readers see the old file, the owner of the run clears the rest."""
    target = tmp_path / "x"
    write_atomic(target, b"old")
    program = (
        "import os, signal, sys\n"
        "from metta.common import atomic\n"
        "atomic.os.replace = lambda *paths: os.kill(os.getpid(), signal.SIGKILL)\n"
        "atomic.write_atomic(sys.argv[1], b'new' * 1000)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(target)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert target.read_bytes() == b"old"
    assert len(remove_leftovers(tmp_path)) == 1
    assert os.listdir(tmp_path) == ["x"]


def test_no_leftovers_in_a_missing_directory(tmp_path: Path) -> None:
    assert remove_leftovers(tmp_path / "nowhere") == []
