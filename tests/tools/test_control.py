"""The tool that steers: what it sends, what it says, what it refuses. A live training: tests/integration."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from metta.cli.main import main
from metta.common.errors import ExitCode
from metta.common.run_dir import RunDir
from metta.rl.control.commands import Answer, Command, ControlBox

STATUS: dict[str, Any] = {
    "epoch": 7,
    "agent_step": 7168,
    "phase": "late",
    "phases": ["early", "late"],
    "components": ["planes", "trunk", "actor"],
    "learning": {"trunk": False, "actor": True},
    "rates": {"trunk": 1e-3, "actor": 1e-5},
    "report": {
        "component_status": {"actor": "eval"},
        "gradient_clip_actual": {"actor": 0.5},
        "grad_accumulation_status": {"actor": {"every": 4}},
    },
}


@pytest.fixture
def live(tmp_path: Path) -> RunDir:
    """A run that looks as if this process trained it."""
    run_dir = RunDir.at(tmp_path, "demo").create()
    run_dir.lock_path.write_text(json.dumps({"pid": os.getpid(), "host": socket.gethostname()}))
    box = ControlBox(run_dir.control)
    box.open()
    box.publish(STATUS)
    return run_dir


@pytest.fixture
def steer(live: RunDir) -> Callable[..., tuple[int, list[Any]]]:
    """``steer(answer, *words)``: runs the tool while a thread plays the training; exit code and what it was sent."""

    def run(answer: Answer, *words: str) -> tuple[int, list[Any]]:
        box, taken = ControlBox(live.control), []
        over = threading.Event()

        def train() -> None:
            while not over.is_set():
                for command in box.take():
                    taken.append(command)
                    assert isinstance(command, Command)
                    box.answer(command.id, answer)
                time.sleep(0.005)

        thread = threading.Thread(target=train)
        thread.start()
        try:
            code = main(["control", "run=demo", f"system.data_dir={live.root.parent}", *words])
        finally:
            over.set()
            thread.join()
        return code, taken

    return run


def test_what_was_typed_is_sent_and_the_answer_printed(
    steer: Callable[..., tuple[int, list[Any]]], capsys: pytest.CaptureFixture[str]
) -> None:
    answer = Answer(True, "in force from epoch 8 on", 7, STATUS)
    words = ("frozen_components=[trunk,critic]", "component_lr.actor=1e-5", "component_lr.critic=null")
    code, (command,) = steer(answer, *words)
    assert code == ExitCode.OK
    assert command.control.stated() == {
        "frozen_components": ["trunk", "critic"],
        "component_lr": {"actor": 1e-5, "critic": None},
    }
    assert capsys.readouterr().out.splitlines() == [
        "run=demo, epoch 7, agent step 7,168: in force from epoch 8 on",
        "phase late of early, late",
        "  trunk   frozen",
        "  actor   lr 1e-05, eval mode, clip 0.5, accumulates 4",
    ]


@pytest.mark.parametrize("words", [("pause",), ("verb=pause",)])
def test_a_verb_may_stand_as_a_bare_word(steer: Callable[..., tuple[int, list[Any]]], words: tuple[str, ...]) -> None:
    code, (command,) = steer(Answer(True, "paused", 7, STATUS), *words)
    assert (code, command.verb, command.control) == (0, "pause", None)


def test_a_refusal_says_why(steer: Callable[..., tuple[int, list[Any]]], capsys: pytest.CaptureFixture[str]) -> None:
    code, _ = steer(Answer(False, "there is no 'trunc'.", 7, STATUS), "frozen_components=[trunc]")
    assert code == ExitCode.USAGE
    assert "refused, run=demo is untouched: there is no 'trunc'." in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "the command says nothing"),
        (("frozen_componets=[trunk]",), "Did you mean 'frozen_components'"),
        (("paus",), "paus"),
        (("component_lr.actor=-1",), "component_lr.actor"),
        (("frozen_components=[a]", "unfrozen_components=[a]"), "both name"),
    ],
)
def test_mistakes_are_told_before_anything_is_sent(
    live: RunDir, words: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["control", "run=demo", f"system.data_dir={live.root.parent}", *words]) == ExitCode.USAGE
    assert told in capsys.readouterr().err
    assert not ControlBox(live.control).take()


def test_nobody_at_home(live: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    place = f"system.data_dir={live.root.parent}"
    assert main(["control", "run=other", place, "pause"]) == ExitCode.USAGE
    assert "there is no run other" in capsys.readouterr().err
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    live.lock_path.write_text(json.dumps({"pid": dead.pid, "host": socket.gethostname()}))
    assert main(["control", "run=demo", place, "pause"]) == ExitCode.USAGE
    assert "run=demo has no live training" in capsys.readouterr().err
    assert main(["control", "pause"]) == ExitCode.USAGE
    assert "which run?" in capsys.readouterr().err


def test_a_command_nobody_answers_is_taken_back(live: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    words = [f"system.data_dir={live.root.parent}", "timeout=0.2", "frozen_components=[trunk]"]
    assert main(["control", "run=demo", *words]) == ExitCode.FAILED
    assert "did not answer in time; the command was taken back" in capsys.readouterr().err
    assert not ControlBox(live.control).take()


def test_help_needs_no_recipe(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["control", "--help"]) == 0
    said = capsys.readouterr().out
    assert "frozen_components" in said
    assert "component_lr" in said


def test_the_module_knows_no_torch() -> None:
    code = "import sys, metta.tools.control as t; t.ControlTool; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
