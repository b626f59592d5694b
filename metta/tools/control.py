"""Steers a training that runs: what it is to change, or one of the verbs."""

from __future__ import annotations

import os
import socket
import time
from typing import TYPE_CHECKING, Any, ClassVar, cast

from pydantic import Field

from metta.agent.control.training_control import TrainingControl
from metta.common.errors import ConfigError, ExitCode, MettaError
from metta.common.run_dir import RunDir, owner_of
from metta.rl.control.commands import VERBS, Answer, ControlBox, Verb
from metta.tools.tool import Tool

if TYPE_CHECKING:
    from collections.abc import Callable

POLL_SECONDS = 0.05


class ControlTool(Tool, TrainingControl):
    """Steer a running training: ``control run=demo frozen_components=[mlp]``, ``control run=demo pause``.

    Verbs: pause, resume, checkpoint, stop, status. A command is checked before it is taken, applied at an epoch's
    start, recorded in ``<run>/control/log.jsonl``, and answered.
    """

    takes_recipe: ClassVar[bool] = False

    run: str | None = Field(default=None, description="the run that is to be steered")
    verb: Verb | None = Field(default=None, description="may also stand as a bare word: control run=demo pause")
    timeout: float = Field(default=600.0, ge=0, description="seconds to wait for the answer: an epoch may be long")

    def invoke(self) -> int:
        """Send the command, wait for its answer, print it.

        Raises:
            ConfigError: no run, no live training, or a command that says nothing or is refused.
            ControlTimeoutError: no answer in time; the command was taken back.
        """
        if self.run is None:
            raise ConfigError("which run? Write control run=<name> and what to change.")
        wanted = {name: getattr(self, name) for name in TrainingControl.model_fields if getattr(self, name) is not None}
        control = TrainingControl.from_fields(wanted) if wanted else None
        if control is None and self.verb is None:
            raise ConfigError(
                f"the command says nothing. Write one of {', '.join(VERBS)}, or what to change, as in: control "
                f"run={self.run} frozen_components=[mlp] component_lr.actor=1e-4. Keys: control --help"
            )
        run_dir = RunDir.at(self.system.data_dir, self.run)
        _require_live(run_dir)
        answer = self._ask(ControlBox(run_dir.control), run_dir, control)
        if not answer.ok:
            raise ConfigError(f"refused, run={self.run} is untouched: {answer.message}")
        print(_told(self.run, answer))
        return ExitCode.OK

    def _ask(self, box: ControlBox, run_dir: RunDir, control: TrainingControl | None) -> Answer:
        end = time.monotonic() + self.timeout
        _wait(lambda: box.read_status() is not None, end, run_dir)
        id = box.send(self.verb, control)
        try:
            _wait((box.answers / f"{id}.json").exists, end, run_dir)
        except BaseException:
            if (late := box.fetch(id)) is not None:
                return late
            if not box.withdraw(id) and (late := box.fetch(id)) is not None:
                return late
            raise
        answer = box.fetch(id)
        assert answer is not None, "nobody else takes this answer"
        return answer


class ControlTimeoutError(MettaError, RuntimeError):
    """A training did not answer in time."""


def control() -> ControlTool:
    """What the command line starts from: no recipe is needed."""
    return ControlTool()


def _require_live(run_dir: RunDir) -> None:
    """Raises:
    ConfigError: nobody trains this run now.
    """
    if not run_dir.root.is_dir():
        raise ConfigError(f"there is no run {run_dir.run} in {run_dir.root.parent}. Check run= and system.data_dir.")
    owner = owner_of(run_dir)
    if owner is None or not _is_alive(owner):
        raise ConfigError(
            f"run={run_dir.run} has no live training: nothing to steer. Start it with train, run={run_dir.run}."
        )


def _is_alive(owner: dict[str, Any]) -> bool:
    if owner.get("host") != socket.gethostname():
        return True  # cannot be seen from here; its answer will tell
    try:
        os.kill(int(owner["pid"]), 0)
    except (ProcessLookupError, KeyError, TypeError, ValueError):
        return False
    except PermissionError:
        return True
    return True


def _wait(done: Callable[[], bool], end: float, run_dir: RunDir) -> None:
    while not done():
        owner = owner_of(run_dir)
        if owner is None or not _is_alive(owner):
            raise ConfigError(f"the training of run={run_dir.run} ended before it answered.")
        if time.monotonic() > end:
            raise ControlTimeoutError(
                f"run={run_dir.run} did not answer in time; the command was taken back and nothing is changed. "
                "Commands are heard at the start of an epoch: give it longer with timeout=<seconds>."
            )
        time.sleep(POLL_SECONDS)


def _told(run: str, answer: Answer) -> str:
    """The answer, and what is in force: a line for each component."""
    status = answer.status
    lines = [f"run={run}, epoch {status['epoch']}, agent step {status['agent_step']:,}: {answer.message}"]
    if status["phases"]:
        lines.append(f"phase {status['phase']} of {', '.join(status['phases'])}")
    report = cast("dict[str, dict[str, Any]]", status["report"])
    width = max(map(len, status["components"]))
    for name in status["components"]:
        if name not in status["rates"]:
            continue
        words = [f"lr {status['rates'][name]:g}" if status["learning"][name] else "frozen"]
        if report["component_status"].get(name) == "eval":
            words.append("eval mode")
        if name in report["gradient_clip_actual"]:
            words.append(f"clip {report['gradient_clip_actual'][name]:g}")
        if name in report["grad_accumulation_status"]:
            words.append(f"accumulates {report['grad_accumulation_status'][name]['every']}")
        lines.append(f"  {name:<{width}}  {', '.join(words)}")
    return "\n".join(lines)
