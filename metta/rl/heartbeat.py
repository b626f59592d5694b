"""Signs of life between ranks: a rank that hangs is told from one that is busy for long.

A thread of each rank counts up in the store that the ranks share, and looks at its left neighbour's count. A rank in a
ten-minute evaluation still counts; one that was stopped, or whose machine froze, does not. The thread also sees that
the process that started the ranks is gone: no rank outlives it.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from torch.distributed import TCPStore  # pyright: ignore[reportPrivateImportUsage]  # documented as public

from metta.common.errors import ExitCode
from metta.common.log import get_logger

LAUNCHER_PID = "METTA_LAUNCHER_PID"
"""Set by the launcher of ``system.nproc`` for its ranks: whose children they are."""
INTERVAL = 1.0
PATIENCE = 30.0
GRACE = 15.0
"""Seconds between two beats; without a beat until a rank is given up; for saving when the parent is gone."""

_log = get_logger(__name__)


class Heartbeat(threading.Thread):
    """Beats until ``stop``; ends this process when its neighbour or its parent is gone.

    ``leave`` is what ends it (a test puts something milder there).
    """

    def __init__(
        self,
        rank: int,
        size: int,
        *,
        interval: float = INTERVAL,
        patience: float = PATIENCE,
        store: Callable[[], TCPStore] | None = None,
        leave: Callable[[], None] = lambda: os._exit(int(ExitCode.RETRY)),
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.rank, self.neighbour = rank, (rank - 1) % size
        self.interval, self.patience = interval, patience
        self._make_store, self._leave = store or _own_connection, leave
        self._prefix = f"metta/{os.environ.get('TORCHELASTIC_RESTART_COUNT', '0')}"
        self._parent = int(os.environ.get(LAUNCHER_PID, "0")) or os.getppid()  # it may be gone by now
        self._orphan_since: float | None = None
        self._done = threading.Event()

    def run(self) -> None:
        store: TCPStore | None = None
        count, seen, heard = 0, b"", time.monotonic()
        last_look = heard
        while not self._done.wait(self.interval):
            self._look_for_parent()
            count += 1
            try:
                store = store or self._make_store()
                store.set(f"{self._prefix}/{self.rank}", str(count))
                key = f"{self._prefix}/{self.neighbour}"
                beat = store.get(key) if store.check([key]) else b""
            except RuntimeError:  # the store lives in rank 0, or in the launcher: gone, or hanging
                beat = seen
            now = time.monotonic()
            if beat != seen or now - last_look > self.interval + self.patience / 2:  # or we were stopped ourselves
                seen, heard = beat, now
            last_look = now
            if now - heard > self.patience and not self._done.is_set():
                self._give_up(f"rank {self.neighbour} has given no sign of life for {self.patience:g} s")

    def stop(self) -> None:
        """No more beats; to be called when all ranks are about to leave."""
        self._done.set()

    def _look_for_parent(self) -> None:
        if os.getppid() == self._parent:
            return
        if self._orphan_since is None:
            self._orphan_since = time.monotonic()
            _log.error("rank %d: the process that started the ranks is gone; stopping", self.rank)
            os.kill(os.getpid(), signal.SIGTERM)
        elif time.monotonic() - self._orphan_since > GRACE:
            self._give_up("no safe point was reached")

    def _give_up(self, why: str) -> None:
        _log.error(
            "rank %d leaves: %s. Training goes on from the newest saved state when it is started again.", self.rank, why
        )
        logging.shutdown()
        self._leave()


def _own_connection() -> TCPStore:
    """A connection of this thread's own: a request that waits must not hold up the main thread's."""
    address, port = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    return TCPStore(address, port, is_master=False, timeout=timedelta(seconds=5))
