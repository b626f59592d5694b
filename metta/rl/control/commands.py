"""Commands to a running training: files in ``<run>/control/``, written whole, taken one by one, answered. Torch-free.

    status.json        what the training is and what is in force; written by the training
    inbox/<id>.json    a command, from outside
    answers/<id>.json  its answer
    log.jsonl          controls that were taken, with their epoch; written and synced before they are applied

The log is what makes a steered run repeatable: a resumed run reads it from its epoch on, another run can be given it.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from metta.agent.control.training_control import TrainingControl
from metta.common.atomic import remove_leftovers, sync_directory, write_atomic
from metta.common.errors import ConfigError

Verb = Literal["pause", "resume", "checkpoint", "stop", "status"]
VERBS: tuple[Verb, ...] = ("pause", "resume", "checkpoint", "stop", "status")


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody wants: a verb, a control, or both (the control first)."""

    id: str
    verb: Verb | None = None
    control: TrainingControl | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A control that was taken: replayed at the start of ``epoch`` (epochs done before it)."""

    epoch: int
    id: str
    control: TrainingControl
    source: str = "command"

    def line(self) -> bytes:
        """One line of the log."""
        entry = {"epoch": self.epoch, "id": self.id, "source": self.source, "control": self.control.stated()}
        return (json.dumps(entry) + "\n").encode()


@dataclass(slots=True)
class Answer:
    """What became of a command. ``status`` is what is in force afterwards."""

    ok: bool
    message: str
    epoch: int = 0
    status: dict[str, Any] = field(default_factory=dict[str, Any])


class ControlBox:
    """Both ends of the exchange, below ``root`` (``<run>/control``)."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inbox, self.answers = root / "inbox", root / "answers"
        self.status_path, self.log_path = root / "status.json", root / "log.jsonl"

    # --- the training's end ---------------------------------------------------------------------------------------

    def open(self) -> list[str]:
        """Make the folders; commands that nobody took while no training ran are dropped. Returns their ids."""
        dropped = sorted(path.stem for path in self.inbox.glob("*") if _is_whole(path.name))
        for folder in (self.inbox, self.answers):
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(parents=True, exist_ok=True)
        remove_leftovers(self.root)
        self.status_path.unlink(missing_ok=True)
        return dropped

    def close(self) -> None:
        """No longer at home: the status goes, so that nobody waits for an answer."""
        self.status_path.unlink(missing_ok=True)

    def take(self) -> list[Command | tuple[str, str]]:
        """All commands, oldest first, out of the inbox; for one that cannot be read its id and why not."""
        try:
            names = sorted(entry.name for entry in os.scandir(self.inbox) if _is_whole(entry.name))
        except OSError:
            return []
        taken: list[Command | tuple[str, str]] = []
        for name in names:
            path = self.inbox / name
            try:
                data = path.read_bytes()
                path.unlink()
            except FileNotFoundError:
                continue  # withdrawn in this moment
            try:
                taken.append(read_command(path.stem, json.loads(data)))
            except (ValueError, TypeError, AttributeError) as error:
                taken.append((path.stem, str(error)))
        return taken

    def answer(self, id: str, answer: Answer) -> None:
        """Tell what became of a command."""
        text = {"ok": answer.ok, "message": answer.message, "epoch": answer.epoch, "status": answer.status}
        write_atomic(self.answers / f"{id}.json", json.dumps(text).encode())

    def publish(self, status: Mapping[str, Any]) -> None:
        """Say what the training is: components, what is in force."""
        write_atomic(self.status_path, (json.dumps(dict(status), indent=1) + "\n").encode())

    def record(self, entries: Iterable[Logged]) -> None:
        """Append to the log; on disk when this returns.

        Raises:
            OSError: the disk is full; nothing was applied yet.
        """
        lines = b"".join(entry.line() for entry in entries)
        if not lines:
            return
        whole = b"".join(entry.line() for entry in self.read_log())
        write_atomic(self.log_path, whole + lines)

    def read_log(self) -> list[Logged]:
        """All that was taken, in the order in which it was.

        Raises:
            ConfigError: a line cannot be read.
        """
        return read_log(self.log_path) if self.log_path.exists() else []

    def adopt(self, source: Path) -> None:
        """Begin with the log of another run (its file, or the run's folder); an own log is kept.

        Raises:
            ConfigError: there is none, or it cannot be read.
        """
        if self.log_path.exists():
            return
        path = source / "control" / "log.jsonl" if source.is_dir() else source
        if not path.is_file():
            raise ConfigError(f"control_log={source}: there is no {path}. A run that was never steered has none.")
        entries = read_log(path)
        self.root.mkdir(parents=True, exist_ok=True)
        write_atomic(self.log_path, b"".join(entry.line() for entry in entries))

    # --- the other end --------------------------------------------------------------------------------------------

    def read_status(self) -> dict[str, Any] | None:
        """What the training published; None when none is at home."""
        try:
            return json.loads(self.status_path.read_bytes())
        except (OSError, ValueError):
            return None

    def send(self, verb: Verb | None, control: TrainingControl | None) -> str:
        """Put a command into the inbox; returns its id."""
        id = f"{time.time_ns()}-{os.getpid()}"
        text: dict[str, Any] = {"verb": verb, "control": None if control is None else control.stated()}
        write_atomic(self.inbox / f"{id}.json", json.dumps(text).encode())
        return id

    def withdraw(self, id: str) -> bool:
        """Take a command back; False when the training has it already."""
        try:
            (self.inbox / f"{id}.json").unlink()
        except FileNotFoundError:
            return False
        sync_directory(self.inbox)
        return True

    def fetch(self, id: str) -> Answer | None:
        """The answer to a command, once there is one; it is removed."""
        path = self.answers / f"{id}.json"
        try:
            answer = Answer(**json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        path.unlink(missing_ok=True)
        return answer


def read_log(path: Path) -> list[Logged]:
    """The entries of a control log.

    Raises:
        ConfigError: a line cannot be read; it is named.
    """
    entries: list[Logged] = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            entries.append(read_entry(json.loads(line)))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path}, line {number}, is no entry of a control log: {error}") from error
    return entries


def read_entry(entry: Mapping[str, Any]) -> Logged:
    """One line of a log, parsed."""
    control = TrainingControl.from_fields(entry["control"])
    return Logged(int(entry["epoch"]), str(entry["id"]), control, str(entry["source"]))


def _is_whole(name: str) -> bool:
    """Not a file that is just being written: those begin with a dot."""
    return name.endswith(".json") and not name.startswith(".")


def read_command(id: str, data: Mapping[str, Any]) -> Command:
    """A command as it stands in the inbox, parsed.

    Raises:
        ValueError: it says nothing, or something that nobody knows.
    """
    verb, control = data.get("verb"), data.get("control")
    if verb is not None and verb not in VERBS:
        raise ValueError(f"no verb {verb!r}; there are {list(VERBS)}.")
    if verb is None and not control:
        raise ValueError(f"the command says nothing. Give it a control, or one of {list(VERBS)}.")
    return Command(id, verb, None if not control else TrainingControl.from_fields(control))
