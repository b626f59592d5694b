"""Logging: everything to the run's log file, warnings to stderr, one rank speaks."""

from __future__ import annotations

import logging
import os
import sys
from pathlib import Path

_ROOT = "metta"
_FILE_FORMAT = "%(asctime)s %(levelname)-7s %(name)s%(rank)s: %(message)s"
_STDERR_FORMAT = "%(levelname)s%(rank)s: %(message)s"

FILE_ONLY = {"file_only": True}
"""``extra=`` of a record that belongs in the log file, but that stderr will be told in another way."""


TELL = {"tell": True}
"""``extra=`` of a record below a warning that a person at the terminal should see all the same."""


class _RankFilter(logging.Filter):
    """Adds `` [rank N]`` to records of other ranks than the master."""

    def __init__(self, rank: int) -> None:
        super().__init__()
        self._text = f" [rank {rank}]" if rank else ""

    def filter(self, record: logging.LogRecord) -> bool:
        record.rank = self._text
        return True


def rank_of_process() -> int:
    """The rank that torchrun gave this process; 0 outside of it."""
    text = os.environ.get("RANK", "0")
    return int(text) if text.isdecimal() else 0


def setup_logging(log_path: Path | str | None = None, verbose: bool = False) -> None:
    """Send ``metta.*`` records to ``log_path`` (INFO, or DEBUG when verbose) and warnings to stderr.

    Calling it again replaces the handlers, so a tool can add its file once the run directory is known. Ranks other
    than 0 write their own file (``run.rank1.log``) and only errors to stderr.
    """
    rank = rank_of_process()
    logger = logging.getLogger(_ROOT)
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.DEBUG if verbose else logging.INFO)
    logger.propagate = False

    stderr = logging.StreamHandler(sys.stderr)
    stderr.addFilter(lambda record: not getattr(record, "file_only", False))
    least = logging.ERROR if rank else logging.DEBUG if verbose else logging.WARNING
    stderr.addFilter(lambda record: record.levelno >= least or (not rank and getattr(record, "tell", False)))
    _attach(logger, stderr, _STDERR_FORMAT, rank)
    if log_path is not None:
        path = Path(log_path)
        if rank:
            path = path.with_name(f"{path.stem}.rank{rank}{path.suffix}")
        path.parent.mkdir(parents=True, exist_ok=True)
        _attach(logger, logging.FileHandler(path, encoding="utf-8"), _FILE_FORMAT, rank)


def get_logger(name: str) -> logging.Logger:
    """The logger of a module: ``get_logger(__name__)``. Names outside ``metta`` are put below it."""
    return logging.getLogger(name if name == _ROOT or name.startswith(f"{_ROOT}.") else f"{_ROOT}.{name}")


def _attach(logger: logging.Logger, handler: logging.Handler, format_: str, rank: int) -> None:
    handler.setFormatter(logging.Formatter(format_))
    handler.addFilter(_RankFilter(rank))
    logger.addHandler(handler)
