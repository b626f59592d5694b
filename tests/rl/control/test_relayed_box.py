"""metta/rl/control/relayed_box.py: all ranks hear the same, only the master touches files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from metta.agent.control.training_control import TrainingControl
from metta.rl.control.commands import Answer, Command, ControlBox, Logged
from metta.rl.control.relayed_box import RelayedBox
from metta.rl.distributed import Ranks
from tests.rl.ranks import run_ranks

FREEZE = TrainingControl(frozen_components=("encoder",))


def test_all_ranks_hear_what_was_sent_and_the_master_answers(tmp_path: Path) -> None:
    root = tmp_path / "control"

    def work(world: Ranks) -> Any:
        box = RelayedBox(root, world)
        dropped = box.open()
        if world.is_master:
            outside = ControlBox(root)
            outside.send("pause", FREEZE)
            (box.inbox / "z.json").write_text('{"verb": "dance"}')
        taken = box.take()
        box.record([Logged(4, "id", FREEZE)])
        box.answer("id", Answer(True, f"from rank {world.rank}"))
        return dropped, taken, box.read_log()

    first, second = run_ranks(work)
    assert first == second
    assert not isinstance(first, str), first
    dropped, (command, refused), logged = first
    assert dropped == []
    assert isinstance(command, Command)
    assert (command.verb, command.control) == ("pause", FREEZE)
    assert refused[0] == "z"
    assert "no verb 'dance'" in refused[1]
    assert logged == [Logged(4, "id", FREEZE)]
    answer = ControlBox(root).fetch("id")
    assert answer is not None
    assert answer.message == "from rank 0"


def test_what_fails_at_the_masters_fails_everywhere(tmp_path: Path) -> None:
    def work(world: Ranks) -> Any:
        box = RelayedBox(tmp_path / "control", world)
        box.open()
        told: list[str] = []
        (box.root / "log.jsonl").mkdir(exist_ok=True) if world.is_master else None
        for act in (lambda: box.adopt(tmp_path / "nowhere"), lambda: box.record([Logged(0, "id", FREEZE)])):
            try:
                act()
            except (ValueError, OSError) as error:
                told.append(f"{type(error).__name__}: {error}")
        return told

    first, second = run_ranks(work)
    assert first == second
    assert first[-1].startswith("IsADirectoryError")
