"""Metrics as JSON lines: one row an epoch, safe on disk before the trainer commits, exact after a resume."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from metta.common.atomic import sync_directory
from metta.common.errors import CheckpointError
from metta.common.log import get_logger

MAX_FAILURES = 3
"""Failed writes in a row that stop the run, as for every save."""

_log = get_logger(__name__)


class JsonlLogger:
    """Appends rows to ``path``: keys sorted, flushed and fsynced, so equal values give equal bytes.

    ``restore`` cuts the file at the committed length: rows of epochs that the run will do again, and half a row that a
    killed process left, go away. A row that cannot be written (disk full) waits for the next one, and is part of
    ``state`` until then; failures count once in ``interval`` rows, so that rows are given up no sooner than policies.
    NaN and infinity are written as null: JSON has no word for them.
    """

    def __init__(self, path: Path, interval: int = 1) -> None:
        self.path = path
        self.interval = interval
        self._waiting: list[str] = []
        self._failed_writes = 0

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        """Append one row; ``step`` becomes ``agent_step``.

        Raises:
            CheckpointError: the file could not be written for the third interval in a row.
        """
        row = {"agent_step": step, **{key: _plain(value) for key, value in metrics.items()}}
        self._waiting.append(json.dumps(row, sort_keys=True, separators=(",", ":")) + "\n")
        try:
            self._append("".join(self._waiting).encode())
        except OSError as error:
            self._count_failure(error)
        else:
            self._waiting, self._failed_writes = [], 0

    def _count_failure(self, error: OSError) -> None:
        failures, within = divmod(self._failed_writes, self.interval)
        self._failed_writes += 1
        if within:
            return
        message = f"cannot append to {self.path}: {error.strerror or error}."
        if failures + 1 >= MAX_FAILURES:
            raise CheckpointError(
                f"{message} Third failure in a row, so the run stops. system.data_dir needs space."
            ) from error
        _log.warning("%s The row waits for the next epoch (failure %d of %d).", message, failures + 1, MAX_FAILURES)

    def state(self) -> dict[str, Any]:
        return {"offset": _size(self.path), "waiting": list(self._waiting)}

    def restore(self, state: Mapping[str, Any]) -> None:
        offset, size = int(state.get("offset", 0)), _size(self.path)
        if size < offset:
            _log.warning(
                "%s has %d bytes, the run's state says %d: rows were lost; new rows follow what is left.",
                self.path,
                size,
                offset,
            )
            offset = _end_of_last_row(self.path)
        try:
            if size > offset:
                os.truncate(self.path, offset)
        except OSError as error:
            raise CheckpointError(f"cannot cut {self.path} at {offset} bytes: {error.strerror or error}.") from error
        self._waiting = [str(line) for line in state.get("waiting", ())]

    def close(self) -> None:
        """Nothing stays open between rows; those that wait get their last chance.

        Raises:
            CheckpointError: they cannot be written.
        """
        if not self._waiting:
            return
        try:
            self._append("".join(self._waiting).encode())
        except OSError as error:
            raise CheckpointError(
                f"{len(self._waiting)} rows cannot be appended to {self.path}: {error.strerror or error}. They are "
                "part of the saved state: make room and start the same command again."
            ) from error
        self._waiting = []

    def _append(self, data: bytes) -> None:
        """All of ``data`` or nothing: half a row on a full disk is cut off again.

        Unbuffered, so that a failed write leaves nothing behind that closing the file would write once more.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab", buffering=0) as file:
            start, view = file.tell(), memoryview(data)
            try:
                while view:
                    view = view[file.write(view) :]
                os.fsync(file.fileno())
                if start == 0:
                    sync_directory(self.path.parent)  # the file's name is new
            except OSError:
                with contextlib.suppress(OSError):  # the first error is the one to tell
                    os.ftruncate(file.fileno(), start)
                raise


def read_jsonl(path: Path) -> list[dict[str, Any]]:
    """The rows of ``path``; a last line without its end, as a killed process leaves it, is left out.

    Raises:
        CheckpointError: a whole line is not a JSON object.
    """
    rows: list[dict[str, Any]] = []
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):  # what follows the last newline is empty or torn
        try:
            row = json.loads(line)
        except ValueError as error:
            raise CheckpointError(f"{path}, line {number} is not JSON: {error}.") from error
        if not isinstance(row, dict):
            raise CheckpointError(f"{path}, line {number} is a {type(row).__name__}, expected an object.")
        rows.append(row)
    return rows


def _plain(value: float) -> float | int | None:
    number = value if isinstance(value, int) else float(value)
    return number if math.isfinite(number) else None


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _end_of_last_row(path: Path) -> int:
    return path.read_bytes().rfind(b"\n") + 1 if path.exists() else 0
