"""An evaluation in a process of its own, which never outlives the one that wants it.

``python -m metta.eval.evaluation_process <pipe> <parent>`` is that process: the job comes on its stdin as JSON, the
scores leave on its stdout. It ends when the pipe's other end is closed, which is when its parent is gone.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from typing import IO, Any

from metta.common.errors import MettaError
from metta.common.log import get_logger
from metta.common.openmp import shorten_spins
from metta.common.uri import parse_policy_uri, resolve_latest
from metta.sim.simulation_config import SimulationConfig

_PR_SET_PDEATHSIG = 1
_POLL_SECONDS = 0.02
_NICER = 5
"""The evaluation gives way to training where the two share processors."""

_log = get_logger(__name__)


class EvaluationProcess:
    """The scores of one policy on ``simulations``, equal to what the same evaluation gives in this process.

    A process that something kills (memory, somebody) is started once more, which is told; one that fails is not, for
    it would fail again.
    """

    def __init__(
        self,
        simulations: tuple[SimulationConfig, ...],
        uri: str,
        *,
        seed: int,
        greedy: bool,
        device: str,
        threads: int,
    ) -> None:
        job = {
            "simulations": [simulation.model_dump(mode="json") for simulation in simulations],
            "uri": uri,
            "seed": seed,
            "greedy": greedy,
            "device": device,
            "threads": threads,
        }
        self.uri = uri
        self._job = json.dumps(job).encode()
        self._killed_before = False
        self._start()

    @property
    def pid(self) -> int:
        return self._child.pid

    def result(self, tick: Callable[[], None]) -> dict[str, dict[str, float]]:
        """``{"suite/name": {metric: mean}}``; waits for it, calling ``tick`` now and then.

        Raises:
            MettaError: the evaluation failed, or its process was killed twice.
        """
        while True:
            while self._child.poll() is None:
                tick()
                time.sleep(_POLL_SECONDS)
            code = self._child.returncode
            if code == 0:
                break
            told = _last_line(self._errors)
            self._close()
            if code > 0 or self._killed_before:
                how = f"failed: {told}" if code > 0 else f"was killed twice ({signal.Signals(-code).name})"
                raise MettaError(
                    f"the evaluation of {self.uri} in the background {how}. Set evaluator.background=false to have it "
                    "in the training process, evaluator.epoch_interval=0 to do without."
                )
            self._killed_before = True
            _log.warning(
                "the evaluation of %s was killed (%s); it is started once more.", self.uri, signal.Signals(-code).name
            )
            self._start()
        self._output.seek(0)
        scores = json.load(self._output)
        self._close()
        return scores

    def cancel(self) -> None:
        """Kill it; it has nothing to save."""
        self._child.kill()
        self._child.wait()
        self._close()

    def _start(self) -> None:
        self._output = tempfile.TemporaryFile()  # noqa: SIM115 - both live until the process has ended
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        read, self._alive = os.pipe()
        with tempfile.TemporaryFile() as job:
            job.write(self._job)
            job.seek(0)
            self._child = subprocess.Popen(
                [sys.executable, "-m", "metta.eval.evaluation_process", str(read), str(os.getpid())],
                stdin=job,
                stdout=self._output,
                stderr=self._errors,
                pass_fds=(read,),
                start_new_session=True,  # Ctrl-C is for the trainer, which cancels this
            )
        os.close(read)

    def _close(self) -> None:
        for file in (self._output, self._errors):
            file.close()
        if self._alive >= 0:
            os.close(self._alive)
            self._alive = -1


def _last_line(file: IO[bytes]) -> str:
    """Of a traceback it is the error itself."""
    file.seek(0)
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1] if lines else "it said nothing"


def main(pipe: int, parent: int) -> None:
    """Evaluate what stdin asks for; the scores go to stdout."""
    _end_with(pipe, parent)
    with contextlib.suppress(OSError):
        os.nice(_NICER)
    with os.fdopen(os.dup(1), "w") as answer:
        os.dup2(2, 1)  # whatever else is printed must not be taken for the answer
        scores = _evaluate(json.load(sys.stdin))
        json.dump(scores, answer)


def _end_with(pipe: int, parent: int) -> None:
    """Two ways, for a forked process of the parent's may hold the pipe open, and only Linux knows the signal."""

    def watch() -> None:
        os.read(pipe, 1)  # nobody writes: it returns when the other end is closed
        os._exit(1)

    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it went before the signal was asked for
        os._exit(1)
    threading.Thread(target=watch, daemon=True).start()


def _evaluate(job: dict[str, Any]) -> dict[str, dict[str, float]]:
    place = parse_policy_uri(job["uri"]).path
    if place is not None:
        resolve_latest(place)  # a policy that is missing is told before the seconds that torch takes to be imported
    shorten_spins()
    from metta.eval.scorecard import evaluate_policies
    from metta.rl.torch_setup import setup_torch

    device = setup_torch(seed=0, threads=job["threads"], device=job["device"])
    simulations = [SimulationConfig.model_validate(simulation) for simulation in job["simulations"]]
    evaluation = evaluate_policies(
        simulations, (job["uri"],), seed=job["seed"], greedy=job["greedy"], device=str(device)
    )
    (resolved,) = evaluation.scorecard.policies
    return evaluation.scorecard.means(resolved)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
