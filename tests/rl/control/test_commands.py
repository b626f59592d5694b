"""The exchange of files: whole commands, in order, answered, and a log that other runs can replay."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metta.agent.control.training_control import TrainingControl
from metta.common.errors import ConfigError
from metta.rl.control.commands import Answer, Command, ControlBox, Logged, read_log

FREEZE = TrainingControl(frozen_components=("encoder",))


@pytest.fixture
def box(tmp_path: Path) -> ControlBox:
    box = ControlBox(tmp_path / "control")
    assert box.open() == []
    return box


def test_commands_are_taken_once_in_the_order_in_which_they_were_sent(box: ControlBox) -> None:
    first, second = box.send(None, FREEZE), box.send("pause", None)
    assert box.take() == [Command(first, None, FREEZE), Command(second, "pause", None)]
    assert box.take() == []


def test_a_command_that_is_just_being_written_is_left_alone(box: ControlBox) -> None:
    half = box.inbox / ".partial-x-7.json"
    half.write_text('{"verb"')
    assert box.take() == []
    assert half.exists()


def test_an_answer_reaches_the_one_who_asked(box: ControlBox) -> None:
    id = box.send("status", None)
    assert box.fetch(id) is None
    box.answer(id, Answer(True, "running", 3, {"epoch": 3}))
    assert box.fetch(id) == Answer(True, "running", 3, {"epoch": 3})
    assert box.fetch(id) is None


def test_a_command_can_be_taken_back_until_it_is_taken(box: ControlBox) -> None:
    id = box.send("pause", None)
    assert box.withdraw(id)
    assert box.take() == []
    id = box.send("pause", None)
    box.take()
    assert not box.withdraw(id)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "Expecting"),
        ('{"verb": "explode"}', "no verb 'explode'"),
        ("{}", "says nothing"),
        ("[]", "list"),
        ('{"control": {"frozen": ["a"]}}', "no control field 'frozen'"),
    ],
)
def test_what_cannot_be_read_is_told_and_gone(box: ControlBox, text: str, told: str) -> None:
    (box.inbox / "7.json").write_text(text)
    ((id, why),) = box.take()  # type: ignore[misc]
    assert id == "7"
    assert told in why
    assert box.take() == []


def test_commands_from_a_time_without_training_are_dropped(box: ControlBox) -> None:
    id = box.send("pause", None)
    assert box.open() == [id]
    assert box.take() == []


def test_a_status_says_that_somebody_is_at_home(box: ControlBox) -> None:
    assert box.read_status() is None
    box.publish({"epoch": 4})
    assert box.read_status() == {"epoch": 4}
    box.close()
    assert box.read_status() is None


def test_the_log_can_be_read_again_and_adopted_by_another_run(box: ControlBox, tmp_path: Path) -> None:
    entries = [Logged(2, "1-1", FREEZE), Logged(4, "2-1", TrainingControl(component_lr={"a": None}), "memory_pressure")]
    box.record(entries[:1])
    box.record(entries[1:])
    box.record([])
    assert box.read_log() == entries
    for place in (box.log_path, tmp_path):
        other = ControlBox(tmp_path / "other" / place.stem / "control")
        other.adopt(place)
        assert other.read_log() == entries
    other.record([Logged(9, "3-1", FREEZE)])
    other.adopt(box.log_path)
    assert len(other.read_log()) == 3, "a log of its own is kept"


def test_foreign_and_missing_logs_are_named(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(json.dumps({"epoch": 1, "id": "a", "source": "command", "control": {}}) + "\n{}\n")
    with pytest.raises(ConfigError, match=r"log\.jsonl, line 2, is no entry"):
        read_log(path)
    with pytest.raises(ConfigError, match="was never steered has none"):
        ControlBox(tmp_path / "control").adopt(tmp_path / "nowhere.jsonl")


def test_the_module_knows_no_torch() -> None:
    code = "import sys, metta.rl.control.commands; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
