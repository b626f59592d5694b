"""torchrun's elastic agent for the ranks of one machine, taught which ends are worth a new start."""

from __future__ import annotations

import logging
import signal
import uuid
from collections.abc import Callable, Sequence
from typing import Any

from torch.distributed.elastic.agent.server.api import RunResult, WorkerGroup, WorkerSpec, WorkerState
from torch.distributed.elastic.agent.server.local_elastic_agent import LocalElasticAgent
from torch.distributed.elastic.multiprocessing import DefaultLogsSpecs
from torch.distributed.elastic.rendezvous import RendezvousParameters
from torch.distributed.elastic.rendezvous.registry import get_rendezvous_handler

from metta.tools.rank_ends import in_words, is_final

SHUTDOWN_SECONDS = 20
"""For a rank to save and leave when it is told to; after that it is killed."""
_MONITOR_SECONDS = 0.1


class RankAgent(LocalElasticAgent):
    """Starts ``command`` ``nproc`` times, all again when one dies; ``tell`` gets a line for each new start."""

    def __init__(self, command: Sequence[str], nproc: int, max_restarts: int, tell: Callable[[str], None]) -> None:
        rendezvous = RendezvousParameters(
            "c10d", "localhost:0", run_id=uuid.uuid4().hex, min_nodes=1, max_nodes=1, local_addr="localhost"
        )
        spec = WorkerSpec(
            role="rank",
            local_world_size=nproc,
            entrypoint=command[0],
            args=tuple(command[1:]),
            rdzv_handler=get_rendezvous_handler(rendezvous),
            max_restarts=max_restarts,
            monitor_interval=_MONITOR_SECONDS,
            local_addr="localhost",
        )
        wait = SHUTDOWN_SECONDS
        super().__init__(spec, DefaultLogsSpecs(), exit_barrier_timeout=wait, shutdown_timeout=wait)
        self._nproc, self._max_restarts, self._tell = nproc, max_restarts, tell
        _quiet()

    def send(self, number: int) -> None:
        """Send a signal to the ranks that still run; wait for those that are killed."""
        handlers = self._pcontext.subprocess_handlers if self._pcontext is not None else {}  # pyright: ignore
        for handler in handlers.values():
            if handler.proc.poll() is None:
                handler.proc.send_signal(number)
                if number == signal.SIGKILL:
                    handler.proc.wait(SHUTDOWN_SECONDS)

    def _monitor_workers(self, worker_group: WorkerGroup) -> RunResult:  # pyright: ignore
        result: Any = super()._monitor_workers(worker_group)  # pyright: ignore
        if result.state in {WorkerState.FAILED, WorkerState.UNHEALTHY}:
            ends = {rank: failure.exitcode for rank, failure in result.failures.items()}
            if is_final(ends):
                self._remaining_restarts = 0
            elif self._remaining_restarts:
                number = self._max_restarts - self._remaining_restarts + 1
                self._tell(
                    f"{in_words(ends)}; all {self._nproc} ranks start again from the newest saved state "
                    f"(restart {number} of {self._max_restarts})"
                )
            else:
                self._tell(f"{in_words(ends)}; no restart is left (system.max_restarts={self._max_restarts})")
        return result

    def _stop_workers(self, worker_group: WorkerGroup) -> None:  # pyright: ignore
        self._shutdown(timeout=SHUTDOWN_SECONDS)


def _quiet() -> None:
    """The agent's own log repeats what is told here, and adds a traceback of its own call."""
    for name in list(logging.root.manager.loggerDict):
        if name.startswith("torch.distributed.elastic"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
