"""TensorBoard event files. The library is imported only when asked for; a fault of the disk never costs the run."""

from __future__ import annotations

import math
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from metta.common.errors import ConfigError
from metta.common.log import get_logger
from metta.tracking.logger import Logger, NullLogger

_log = get_logger(__name__)
_MSG_MISSING = (
    "metrics.tensorboard=true needs the package tensorboard, which is not installed ({error}). "
    "Install it (pip install 'metta[tensorboard]'), or set metrics.tensorboard=false."
)


def make_tensorboard_logger(folder: Path, *, on: bool) -> Logger:
    """The sink that ``metrics.tensorboard`` asks for.

    Raises:
        ConfigError: tensorboard is asked for and not installed.
    """
    return TensorboardLogger(folder) if on else NullLogger()


class TensorboardLogger:
    """One event file a start of the run, under ``folder``; each row is one event, on disk when ``log`` returns.

    A run that goes on tells TensorBoard to forget the steps that it does again. Rows that cannot be written are lost,
    which is told once; the next row begins a new file.

    Raises:
        ConfigError: tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboard.compat.proto import event_pb2, summary_pb2
            from tensorboard.summary.writer.record_writer import RecordWriter
        except ImportError as error:
            raise ConfigError(_MSG_MISSING.format(error=error)) from error
        self.folder = folder
        self._events, self._summaries, self._record_writer = event_pb2, summary_pb2, RecordWriter
        self._file: BinaryIO | None = None
        self._path = folder
        self._first_step = 0
        self._files = 0
        self._told = False

    def log(self, metrics: Mapping[str, float], step: int) -> None:
        values = [
            self._summaries.Summary.Value(tag=name, simple_value=value)
            for name, value in metrics.items()
            if math.isfinite(value)
        ]
        try:
            if self._file is None or not self._path.exists():
                self._open(step)
            self._write(step=step, summary=self._summaries.Summary(value=values))
        except OSError as error:
            self.close()
            if not self._told:
                _log.warning(
                    "cannot write TensorBoard events under %s: %s. Training goes on without those rows.",
                    self.folder,
                    error.strerror or error,
                )
            self._told = True

    def state(self) -> dict[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Rows after ``state["agent_step"]`` are done again."""
        self._first_step = int(state.get("agent_step", -1)) + 1

    def close(self) -> None:
        if self._file is not None:
            file, self._file = self._file, None
            try:
                file.close()
            except OSError as error:
                _log.info("closing %s: %s", self._path, error)

    def _open(self, step: int) -> None:
        """A new file: the first says what to forget, a later one (the folder went away) just goes on."""
        self.close()
        self.folder.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time()):010d}.{socket.gethostname()}.{os.getpid()}.{self._files}"
        self._path = self.folder / name
        self._file = self._path.open("wb")
        self._files += 1
        self._write(file_version="brain.Event:2")
        start = self._events.SessionLog(status=self._events.SessionLog.START)
        self._write(step=self._first_step, session_log=start)
        self._first_step = step  # of a next file

    def _write(self, **fields: Any) -> None:
        assert self._file is not None
        event = self._events.Event(wall_time=time.time(), **fields)
        self._record_writer(self._file).write(event.SerializeToString())
        self._file.flush()
