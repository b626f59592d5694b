"""Disks that are full, too small for a file, over quota or read-only, in the middle of a training."""

from __future__ import annotations

import errno
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metta.checkpoint.artifact import load_artifact
from metta.common.errors import CheckpointError
from metta.rl.context import TrainerContext, UpdateStats
from metta.rl.hooks.base import TrainerHook

Start = Callable[..., Any]


class At(TrainerHook):
    """Calls ``actions[epoch]`` between the save of the policy and that of the state."""

    name = "fault"

    def __init__(self, actions: dict[int, Callable[[], Any]]) -> None:
        self.actions = actions

    def on_rollout_end(self, ctx: TrainerContext, stats: UpdateStats) -> None:
        self.actions.get(ctx.state.epoch, lambda: None)()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 512 KiB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("mounting a tmpfs needs root")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        while file.write(b"\0" * 4096):
            pass


class Fault:
    """Makes a disk fail and work again; what is undone at a test's end."""

    def __init__(self, kind: str, disk: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.kind, self.disk, self.monkeypatch = kind, disk, monkeypatch
        self.broken = False
        replace, limits = os.replace, resource.getrlimit(resource.RLIMIT_FSIZE)

        def over_quota(source: Any, target: Any) -> None:
            if self.broken:
                raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
            replace(source, target)

        if kind == "quota":
            monkeypatch.setattr(os, "replace", over_quota)
        self._limits = limits

    def set(self, broken: bool) -> None:
        self.broken = broken
        ballast = self.disk / "ballast"
        if self.kind == "full" and broken:
            with pytest.raises(OSError, match="No space left"):
                fill(ballast)
        elif self.kind == "full":
            ballast.unlink(missing_ok=True)
        elif self.kind == "read_only":
            subprocess.run(["mount", "-o", "remount,ro" if broken else "remount,rw", self.disk], check=True)
        elif self.kind == "file_size":
            resource.setrlimit(resource.RLIMIT_FSIZE, (1000 if broken else self._limits[0], self._limits[1]))


KINDS = ("full", "read_only", "file_size", "quota")
WORDS = {
    "full": "No space left on device",
    "read_only": "Read-only file system",
    "file_size": "File too large",
    "quota": "Disk quota exceeded",
}


@pytest.fixture
def fault(request: pytest.FixtureRequest, small_disk: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fault]:
    fault = Fault(request.param, small_disk, monkeypatch)
    yield fault
    fault.set(False)


@pytest.mark.parametrize("fault", KINDS, indirect=True)
def test_training_goes_on_and_recovers_when_space_returns(
    fault: Fault, small_disk: Path, start: Start, undisturbed: dict[str, bytes], warnings: pytest.LogCaptureFixture
) -> None:
    """Two intervals fail, the third one succeeds: nothing but warnings is left of it."""
    intact: list[tuple[int | None, list[int]]] = []

    def look() -> None:
        """Before the third attempt: the policy and the state of the first epoch are whole."""
        fault.set(False)
        snapshot = training.store.load_newest()
        assert snapshot is not None
        load_artifact(training.manager.path_of(1))
        intact.append((snapshot.epoch, training.manager.epochs()))

    training = start(root=small_disk, hooks=(At({1: lambda: fault.set(True), 3: look}),))
    training.trainer.train()
    assert intact == [(1, [1])]
    assert WORDS[fault.kind] in warnings.text
    assert warnings.text.count("Trying again at the next interval (failure 1 of 3)") == 2, "policy and state"
    assert warnings.text.count("Trying again at the next interval (failure 2 of 3)") == 2
    assert training.results() == undisturbed
    assert training.store.newest_epoch() == 4
    assert not list(small_disk.rglob(".partial-*"))


@pytest.mark.parametrize("fault", KINDS, indirect=True)
def test_the_third_failure_ends_the_run_and_the_next_start_goes_on(
    fault: Fault, small_disk: Path, start: Start, undisturbed: dict[str, bytes]
) -> None:
    training = start(root=small_disk, hooks=(At({1: lambda: fault.set(True)}),))
    with pytest.raises(CheckpointError, match="saving the policy failed 3 times in a row") as caught:
        training.trainer.train()
    assert WORDS[fault.kind] in str(caught.value)
    assert "\n" not in str(caught.value), "one line"
    fault.set(False)
    assert training.store.newest_epoch() == 1
    again = start(root=small_disk, hooks=(At({}),))
    again.trainer.train()
    assert again.results() == undisturbed


def test_rows_are_given_up_no_sooner_than_policies(
    small_disk: Path, start: Start, undisturbed: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that is full for three epochs between two saves is no reason to stop."""
    fault = Fault("full", small_disk, monkeypatch)
    actions = {0: lambda: fault.set(True), 3: lambda: fault.set(False)}
    training = start(root=small_disk, interval=4, hooks=(At(actions),))
    training.trainer.train()
    assert training.results() == undisturbed
