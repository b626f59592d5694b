"""The control box of a training of several ranks: the master reads and writes the files, all ranks learn the same."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from metta.common.errors import ConfigError
from metta.rl.control.commands import Answer, Command, ControlBox, Logged, read_command, read_entry
from metta.rl.world import World


class RelayedBox(ControlBox):
    """A :class:`ControlBox` that every rank asks at the same points. What goes wrong at the master's goes wrong alike
    on every rank, so that all of them decide the same.
    """

    def __init__(self, root: Path, world: World) -> None:
        super().__init__(root)
        self.world = world
        self._files = ControlBox(root)  # the master's: its methods call each other, and must not ask the others then

    def open(self) -> list[str]:
        return self._masters(self._files.open, "opening the control box")

    def close(self) -> None:
        if self.world.is_master:
            self._files.close()

    def take(self) -> list[Command | tuple[str, str]]:
        taken = self._masters(lambda: [_plain(command) for command in self._files.take()], "commands")
        return [
            (entry["id"], entry["fault"]) if "fault" in entry else read_command(entry["id"], entry) for entry in taken
        ]

    def answer(self, id: str, answer: Answer) -> None:
        if self.world.is_master:
            self._files.answer(id, answer)

    def publish(self, status: Mapping[str, Any]) -> None:
        if self.world.is_master:
            self._files.publish(status)

    def record(self, entries: Iterable[Logged]) -> None:
        listed = list(entries)
        if listed:
            self._masters(lambda: self._files.record(listed), "the control log")

    def read_log(self) -> list[Logged]:
        lines = self._masters(
            lambda: [entry.line().decode() for entry in self._files.read_log()], "reading the control log"
        )
        return [read_entry(json.loads(line)) for line in lines]

    def adopt(self, source: Path) -> None:
        self._masters(lambda: self._files.adopt(source), "control_log")

    def _masters(self, work: Callable[[], Any], what: str) -> Any:
        """What ``work`` returns or raises at the master's, on every rank."""
        told: tuple[str, Any] = ("", None)
        if self.world.is_master:
            try:
                told = ("", work())
            except ConfigError as error:
                told = ("config", str(error))
            except OSError as error:
                told = ("os", [error.errno, error.strerror or str(error)])
        fault, value = self.world.broadcast(told, what)
        if fault == "config":
            raise ConfigError(value)
        if fault == "os":
            raise OSError(*value)
        return value


def _plain(command: Command | tuple[str, str]) -> dict[str, Any]:
    if not isinstance(command, Command):
        return {"id": command[0], "fault": command[1]}
    control = None if command.control is None else command.control.stated()
    return {"id": command.id, "verb": command.verb, "control": control}
