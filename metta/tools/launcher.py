"""``system.nproc=N``: starts N ranks of this very command under torchrun's elastic agent, and watches over them.

The agent finds a port, gives each rank its number and starts all again when one dies. What is added here:

- a rank that died of a signal, or lost another, is worth a new start; an error that a rank told itself would only come
  again, so it ends the run at once, with the rank's exit code (``rank_ends.py``);
- signals go on to the ranks; a second Ctrl-C kills them; no rank outlives this process;
- the ranks' store is not shared with the agent's: with gloo a restart hangs now and then otherwise.

Knows no torch until it launches.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import Any

from metta.common.errors import ExitCode
from metta.common.log import TELL, get_logger
from metta.tools.rank_ends import exit_code_of

_FORWARDED = (signal.SIGUSR1,)
_HANDLED_BY_AGENT = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)

_log = get_logger(__name__)


def is_rank() -> bool:
    """Whether this process was started as one of several by torchrun or by :func:`launch`."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def world_size(nproc: int) -> int:
    """Ranks of this training: torchrun's number where it was started so, else ``nproc``."""
    return int(os.environ["WORLD_SIZE"]) if is_rank() else nproc


def own_command(*overrides: str) -> list[str]:
    """The command line of this process, to be started again with ``overrides``."""
    return [sys.executable, *sys.orig_argv[1:], *overrides]


def is_command_line() -> bool:
    """Whether this process is the command line (and no notebook that invokes a tool)."""
    spec = getattr(sys.modules.get("__main__"), "__spec__", None)
    return spec is not None and spec.name == "metta.cli.main"


def launch(command: Sequence[str], nproc: int, max_restarts: int, *, tell: Callable[[str], None] | None = None) -> int:
    """Run ``command`` in ``nproc`` ranks of this machine until they are done; the exit code for all of them.

    ``tell`` gets a line for each new start (default: stderr and the log).
    """
    _prepare(nproc)
    from torch.distributed.elastic.agent.server.api import WorkerState
    from torch.distributed.elastic.multiprocessing import SignalException

    from metta.tools.rank_agent import RankAgent

    agent = RankAgent(command, nproc, max_restarts, tell or _tell)
    before = {number: signal.getsignal(number) for number in (*_HANDLED_BY_AGENT, *_FORWARDED)}
    for number in _FORWARDED:
        signal.signal(number, lambda received, _: agent.send(received))
    try:
        result: Any = agent.run()
        if result.state == WorkerState.SUCCEEDED:
            return ExitCode.OK
        return exit_code_of({rank: failure.exitcode for rank, failure in result.failures.items()})
    except SignalException as error:
        return 128 + int(error.sigval)
    finally:
        agent.send(signal.SIGKILL)  # who is still there: a second Ctrl-C, or a fault of the agent's
        for number, handler in before.items():
            signal.signal(number, handler)


def _prepare(nproc: int) -> None:
    """Environment of agent and ranks; set before torch is loaded."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ["TORCH_DISABLE_SHARE_RDZV_TCP_STORE"] = "1"
    os.environ.setdefault("OMP_NUM_THREADS", str(max(1, cores // nproc)))
    os.environ["METTA_LAUNCHER_PID"] = str(os.getpid())  # heartbeat.py: ranks leave when it is gone


def _tell(text: str) -> None:
    _log.warning("%s", text, extra=TELL)
