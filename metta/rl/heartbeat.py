"""Signs of life between ranks: a rank that hangs is told from one that is busy for long.

A thread of each rank says each second to its right neighbour that it lives, and listens to its left one. A rank in a
ten-minute evaluation still beats; one that was stopped, or whose machine froze, does not. The thread also sees that
the process that started the ranks is gone: no rank outlives it.

Plain sockets, in Python, that never wait. The store that the ranks share would not do: a request to it waits for ever
while the rank that holds it is stopped, whatever its timeout; and a thread that comes back from C++ while the
interpreter ends takes the whole process down ("terminate called without an active exception").
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import secrets
import signal
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from metta.common.errors import ExitCode
from metta.common.log import get_logger
from metta.rl.world import RankLostError

if TYPE_CHECKING:
    from metta.rl.world import World

LAUNCHER_PID = "METTA_LAUNCHER_PID"
"""Set by the launcher of ``system.nproc`` for its ranks: whose children they are."""
INTERVAL = 1.0
PATIENCE = 30.0
GRACE = 15.0
"""Seconds between two beats; without a beat until a rank is given up; for saving when the parent is gone."""
_OPENING = 60.0
_LEAVING = 10.0
_BEAT, _GOODBYE = b".", b"!"

_log = get_logger(__name__)


@dataclass
class Ring:
    """A rank's two connections: from its left neighbour, to its right one. Neither call waits."""

    left: socket.socket
    right: socket.socket
    said_goodbye: bool = False
    """The left neighbour left on purpose: its silence means nothing any more."""

    def __post_init__(self) -> None:
        self.left.setblocking(False)
        self.right.setblocking(False)

    def say(self, sign: bytes) -> None:
        with contextlib.suppress(
            OSError
        ):  # the neighbour is gone, or has not read for hours: its own neighbour sees it
            self.right.send(sign)

    def hears(self) -> bool:
        """Whether the left neighbour said anything since the last call, or goodbye at any time."""
        try:
            signs = self.left.recv(65536)
        except OSError:
            signs = b""
        self.said_goodbye = self.said_goodbye or _GOODBYE in signs
        return bool(signs) or self.said_goodbye

    def close(self) -> None:
        self.left.close()
        self.right.close()


class Heartbeat(threading.Thread):
    """Beats until ``stop``; ends this process when its neighbour or its parent is gone.

    ``leave`` is what ends it (a test puts something milder there).
    """

    def __init__(
        self,
        rank: int,
        size: int,
        ring: Ring,
        *,
        interval: float = INTERVAL,
        patience: float = PATIENCE,
        leave: Callable[[], None] = lambda: os._exit(int(ExitCode.RETRY)),
    ) -> None:
        super().__init__(name="heartbeat", daemon=True)
        self.rank, self.neighbour, self.ring = rank, (rank - 1) % size, ring
        self.interval, self.patience = interval, patience
        self._leave = leave
        self._parent = int(os.environ.get(LAUNCHER_PID, "0")) or os.getppid()  # it may be gone by now
        self._orphan_since: float | None = None
        self._done = threading.Event()

    def run(self) -> None:
        heard = last_look = time.monotonic()
        while not self._done.wait(self.interval):
            self._look_for_parent()
            self.ring.say(_BEAT)
            now = time.monotonic()
            if self.ring.hears() or now - last_look > self.interval + self.patience / 2:  # or we were stopped ourselves
                heard = now
            last_look = now
            if now - heard > self.patience and not self._done.is_set():
                self._give_up(
                    f"rank {self.neighbour} has given no sign of life for {self.patience:g} s "
                    "(system.rank_patience): it hangs, was stopped, or its machine or network is gone"
                )

    def stop(self) -> None:
        """Say goodbye and end the thread; to be called when all ranks are about to leave."""
        self._done.set()
        if self.is_alive() and threading.current_thread() is not self:
            self.join(_LEAVING)
        self.ring.say(_GOODBYE)
        self.ring.close()

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


def open_ring(world: World) -> Ring:
    """Connect each rank with its two neighbours; collective.

    Raises:
        RankLostError: a neighbour cannot be reached.
    """
    listener, address = _listen(everywhere=world.size > world.local_size)
    with listener:
        token = secrets.token_hex(16)
        ring = world.gather([*address, token], "where heartbeats are heard")
        host, port, theirs = ring[(world.rank + 1) % world.size]
        try:
            right = socket.create_connection((host, port), _OPENING)
            right.sendall(theirs.encode())
            return Ring(_left_neighbour(listener, token.encode()), right)
        except OSError as error:
            raise RankLostError(
                f"rank {world.rank} could not exchange heartbeats with its neighbours (it called {host}:{port}): "
                f"{error}. Ranks must reach each other at any port; is there a firewall between the machines?"
            ) from error


def _listen(*, everywhere: bool) -> tuple[socket.socket, tuple[str, int]]:
    """A socket for the left neighbour, and the address at which it is to be called.

    Ours is the address from which we reach rank 0's machine; on that machine itself, the name by which all call it.
    """
    master, store = os.environ["MASTER_ADDR"], int(os.environ["MASTER_PORT"])
    family, host = _way_to(master, store)
    listener = socket.create_server(("" if everywhere else host, 0), family=family)
    listener.settimeout(_OPENING)
    is_masters = everywhere and ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return listener, (master if is_masters else host, int(listener.getsockname()[1]))


def _way_to(master: str, port: int) -> tuple[socket.AddressFamily, str]:
    """Our own address on the way to ``master``. Nothing is sent."""
    fault: OSError | None = None
    try:
        for family, _, _, _, address in socket.getaddrinfo(master, port, type=socket.SOCK_DGRAM):
            with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect(address)
                return family, str(probe.getsockname()[0])
    except OSError as error:
        fault = error
    raise RankLostError(f"there is no way to rank 0 at {master} (MASTER_ADDR): {fault or 'no route'}.") from fault


def _left_neighbour(listener: socket.socket, token: bytes) -> socket.socket:
    """The first caller that knows ``token``; others are hung up on."""
    end = time.monotonic() + _OPENING
    while True:
        caller, _ = listener.accept()
        caller.settimeout(max(0.1, end - time.monotonic()))
        if caller.recv(len(token), socket.MSG_WAITALL) == token:
            return caller
        caller.close()
