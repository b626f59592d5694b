"""Where a run keeps its files, and who may write them."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from metta.common.atomic import sync_directory
from metta.common.errors import ConfigError, RunOwnedError

_FORBIDDEN = frozenset(' /\\:*?"<>|')
_MAX_NAME = 128


def check_run_name(run: str) -> str:
    """``run`` itself when it can name a directory and an artifact.

    ``:`` separates run and version in artifact names; the others are forbidden on some file system.

    Raises:
        ConfigError: what is wrong with the name.
    """
    fault = ""
    if not run:
        fault = "is empty"
    elif len(run) > _MAX_NAME:
        fault = f"has {len(run)} characters, at most {_MAX_NAME} are allowed"
    elif bad := sorted({char for char in run if char in _FORBIDDEN or not char.isprintable()}):
        fault = f"contains {', '.join(repr(char) for char in bad)}"
    elif run.startswith(("-", "~", ".")):
        fault = f"begins with {run[0]!r}"
    elif ".." in run:
        fault = "contains '..'"
    if fault:
        raise ConfigError(f"run={run!r} {fault}. Use letters, digits, '.', '_' and '-', for example run=demo.")
    return run


@dataclass(frozen=True, slots=True)
class RunDir:
    """The paths of one run. Building it touches no disk; ``create`` makes the directories."""

    root: Path
    run: str

    @classmethod
    def at(cls, data_dir: Path | str, run: str) -> RunDir:
        """The directory of ``run`` below ``data_dir`` (``~`` is expanded).

        Raises:
            ConfigError: the name cannot be a directory.
        """
        return cls(Path(data_dir).expanduser().absolute() / check_run_name(run), run)

    def create(self) -> Self:
        """Make the run's directory and those of its parts.

        Raises:
            ConfigError: the place cannot be written.
        """
        try:
            for directory in (self.root, self.checkpoints, self.trainer_state):
                directory.mkdir(parents=True, exist_ok=True)
            sync_directory(self.root)
            sync_directory(self.root.parent)  # else a power cut could take away the name of what is synced inside
        except OSError as error:
            raise ConfigError(
                f"Cannot create {self.root}: {error.strerror}. Set system.data_dir to a writable place."
            ) from error
        return self

    @property
    def config_path(self) -> Path:
        return self.root / "config.yaml"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints"

    @property
    def trainer_state(self) -> Path:
        return self.root / "trainer_state"

    @property
    def metrics_path(self) -> Path:
        return self.root / "metrics.jsonl"

    @property
    def timing_path(self) -> Path:
        return self.root / "timing.jsonl"

    @property
    def stats_path(self) -> Path:
        return self.root / "stats.duckdb"

    @property
    def replays(self) -> Path:
        return self.root / "replays"

    @property
    def evaluations(self) -> Path:
        return self.root / "evaluations"

    @property
    def control(self) -> Path:
        return self.root / "control"

    @property
    def uploads(self) -> Path:
        """Policies that are still to be uploaded."""
        return self.root / "uploads"

    @property
    def log_path(self) -> Path:
        return self.root / "run.log"

    @property
    def lock_path(self) -> Path:
        return self.root / "run.lock"


class RunLock:
    """One live process owns a run: ``with RunLock(run_dir): ...``.

    The kernel drops the lock when its process dies, however it dies, so a crash never leaves a run locked. The file
    stays (removing it would let two processes lock two different files of one name); its text says who wrote last.
    """

    def __init__(self, run_dir: RunDir) -> None:
        self.path = run_dir.lock_path
        self.run = run_dir.run
        self._file: IO[str] | None = None

    def __enter__(self) -> Self:
        """Raises:
        RunOwnedError: another live process owns the run; the message names its pid and host.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = open(self.path, "a+", encoding="utf-8")  # stays open while the run is owned
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            owner = _read_owner(file)
            file.close()
            if error.errno not in (errno.EAGAIN, errno.EACCES):
                raise
            raise RunOwnedError(
                f"run={self.run} is owned by another live process: {owner}. "
                "Wait for it, stop it, or choose another run=."
            ) from error
        file.seek(0)
        file.truncate()
        json.dump({"pid": os.getpid(), "host": socket.gethostname()}, file)
        file.flush()
        self._file = file
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()  # closing releases the lock
            self._file = None


def owner_of(run_dir: RunDir) -> dict[str, Any] | None:
    """``{"pid", "host"}`` of the process that owned the run last; None when nobody ever did. It may be gone since."""
    try:
        owner = json.loads(run_dir.lock_path.read_bytes())
    except (OSError, ValueError):
        return None
    return cast(dict[str, Any], owner) if isinstance(owner, dict) else None


def _read_owner(file: IO[str]) -> str:
    """``pid 12 on host x``, as the lock's holder wrote it."""
    file.seek(0)
    try:
        owner = json.loads(file.read(4096))
    except ValueError:
        return "its pid is not written yet"
    if not isinstance(owner, dict):
        return "its pid is unreadable"
    fields = cast(dict[str, object], owner)
    return f"pid {fields.get('pid')} on host {fields.get('host')}"
