"""Trainer state on disk: everything that a killed run needs to go on as if nothing had happened.

One folder a saved epoch, the manifest written last, so that a folder with a manifest is whole::

    trainer_state/v40/rank0.safetensors   tensors: weights, optimizer, memory, environments, random states
    trainer_state/v40/rank0.json          counters, hook states, log offsets
    trainer_state/v40/rank1.safetensors   only with several ranks: what is rank 1's own (no weights, no optimizer)
    trainer_state/v40/manifest.json       {"format_version": 2, "epoch": 40, "world_size": 2,
                                           "files": {name: {"bytes", "sha256"}}}; world_size only above 1

The newest two are kept: should the newest be damaged by a disk, the run goes on from the one before and says so.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from metta.checkpoint.migrations import STATE, STATE_VERSION, check_version, migrate
from metta.common.atomic import remove_leftovers, sync_directory, write_atomic
from metta.common.errors import CheckpointError, NewerVersionError
from metta.common.log import get_logger
from metta.common.run_dir import RunDir

KEEP = 2
MANIFEST = "manifest.json"
OF_RANK_ZERO = ("policy/", "optimizer/")
"""Tensors that are equal on all ranks: only rank 0 writes them. All others each rank writes for itself."""

_FOLDER = re.compile(r"v(0|[1-9]\d*)")
_log = get_logger(__name__)


@dataclass(slots=True)
class TrainerSnapshot:
    """State of a training run between two epochs. ``tensors`` may hold numpy arrays when saved; loading gives tensors.

    ``data`` is plain JSON (dict, list, str, int, float, bool, None); floats survive exactly, NaN and infinity included.
    ``world_size``: ranks of the training that saved it; a rank of a training with another number of ranks gets the
    parts of rank 0.
    """

    epoch: int
    tensors: Mapping[str, Tensor | np.ndarray[Any, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    world_size: int = 1


class Peers(Protocol):
    """The processes that save one state together; each calls the store's methods at the same point."""

    rank: int
    size: int

    def gather(self, value: Any, what: str) -> list[Any]:
        """The plain JSON values of all ranks, by rank."""
        ...


class TrainerStateStore:
    """Saves and loads :class:`TrainerSnapshot` under ``<run>/trainer_state``. One training at a time uses it.

    With ``peers`` every rank calls ``save`` and ``load_newest``: each writes and reads its own files, and all succeed
    or fail together, with the same exception.
    """

    def __init__(self, run_dir: RunDir, peers: Peers | None = None) -> None:
        self.root = run_dir.trainer_state
        self.peers = peers
        self.rank, self.size = (0, 1) if peers is None else (peers.rank, peers.size)

    def save(self, snapshot: TrainerSnapshot, epoch: int | None = None) -> Path:
        """Write the folder of ``epoch`` (default: the snapshot's own); older folders beyond two go away afterwards.

        Folders of later epochs are removed too: they belong to a timeline that this run went back from.

        Raises:
            CheckpointError: the disk is full or not writable. What was saved before is untouched.
        """
        epoch = snapshot.epoch if epoch is None else epoch
        folder = self.root / f"v{epoch}"
        self._together(lambda: self._begin(folder), folder, "begin")
        listed = self._together(lambda: self._write(folder, snapshot), folder, "parts")
        files = {name: entry for of_rank in listed for name, entry in of_rank.items()}
        self._together(lambda: self._finish(folder, epoch, files), folder, "manifest")
        return folder

    def load_newest(self) -> TrainerSnapshot | None:
        """The newest whole state; None when the run has none. Unfinished folders of a killed save are ignored.

        A damaged state is told with a warning, and the one before it is taken.

        Raises:
            CheckpointError: states exist, but every one is damaged.
            NewerVersionError: the newest whole one is from a newer version; an older one would lose its work.
        """
        faults: list[str] = []
        found = self._gather(sorted(self._whole_epochs(), reverse=True), "saved states")[0]  # as rank 0 sees them
        for epoch in found:
            snapshot, fault = None, ""
            try:
                snapshot = self._load(epoch)
            except NewerVersionError:
                raise
            except CheckpointError as error:
                fault = str(error)
            if told := next(filter(None, self._gather(fault, f"loading v{epoch}")), ""):
                faults.append(told)
                continue
            for fault in faults:
                _log.warning("%s Going on from epoch %d instead.", fault, epoch)
            return snapshot
        if faults:
            raise CheckpointError(
                f"no trainer state under {self.root} can be used: {' '.join(faults)} "
                "Restore that folder from a copy, or start under another run= name."
            )
        return None

    def newest_epoch(self) -> int | None:
        """Epoch of the newest finished save, checked no further; None when there is none."""
        return max(self._whole_epochs(), default=None)

    def remove_unfinished(self) -> None:
        """Delete what a killed save left behind. Call it when the run is owned, before the first save, on one rank."""
        for folder in self._folders().values():
            if (folder / MANIFEST).is_file():
                remove_leftovers(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)

    # --- saving ---------------------------------------------------------------------------------------------------

    def _begin(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        if self.rank == 0:
            (folder / MANIFEST).unlink(missing_ok=True)  # from here on the folder counts as unfinished
            sync_directory(folder)
            sync_directory(folder.parent)  # else a power cut could take the folder's name away, whole as it is

    def _write(self, folder: Path, snapshot: TrainerSnapshot) -> dict[str, Any]:
        tensors = snapshot.tensors
        if self.rank > 0:
            tensors = {name: value for name, value in tensors.items() if not name.startswith(OF_RANK_ZERO)}
        files = {
            f"rank{self.rank}.safetensors": _encode_tensors(tensors),
            f"rank{self.rank}.json": json.dumps(dict(snapshot.data), sort_keys=True).encode(),
        }
        for name, data in files.items():
            write_atomic(folder / name, data)
        return {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}

    def _finish(self, folder: Path, epoch: int, files: Mapping[str, Any]) -> None:
        if self.rank == 0:
            write_atomic(folder / MANIFEST, _manifest(epoch, files, self.size))
            self._clean(epoch)

    def _together(self, work: Callable[[], Any], folder: Path, what: str) -> list[Any]:
        """What ``work`` returns on each rank; all fail when it fails on one."""
        value, fault = None, ""
        try:
            value = work()
        except OSError as error:
            where = f" (rank {self.rank})" if self.size > 1 else ""
            fault = (
                f"cannot save trainer state {folder}{where}: {error.strerror or error}. It needs space and "
                "permission under system.data_dir; the state saved before is untouched."
            )
        told = self._gather([value, fault], f"saving {folder.name}: {what}")
        if first := next((fault for _, fault in told if fault), ""):
            raise CheckpointError(first)
        return [value for value, _ in told]

    def _gather(self, value: Any, what: str) -> list[Any]:
        return [value] if self.peers is None else self.peers.gather(value, what)

    # --- loading --------------------------------------------------------------------------------------------------

    def _load(self, epoch: int) -> TrainerSnapshot:
        folder = self.root / f"v{epoch}"
        version, listed, world_size = _read_manifest(folder, epoch)
        tensors, data = _read_part(folder, listed, 0)
        if 0 < self.rank < world_size == self.size:
            shared = {name: value for name, value in tensors.items() if name.startswith(OF_RANK_ZERO)}
            own, data = _read_part(folder, listed, self.rank)
            tensors = {**shared, **own}
        try:
            tensors, data = migrate(STATE, version, STATE_VERSION, tensors, data)
        except (ValueError, KeyError, RecursionError) as error:
            raise CheckpointError(f"trainer state {folder} cannot be read: {error}.") from error
        return TrainerSnapshot(epoch=epoch, tensors=tensors, data=data, world_size=world_size)

    def _folders(self) -> dict[int, Path]:
        if not self.root.is_dir():
            return {}
        found = ((_FOLDER.fullmatch(path.name), path) for path in self.root.iterdir() if path.is_dir())
        return {int(match[1]): path for match, path in found if match}

    def _whole_epochs(self) -> list[int]:
        return [epoch for epoch, folder in self._folders().items() if (folder / MANIFEST).is_file()]

    def _clean(self, epoch: int) -> None:
        folders = self._folders()
        older = sorted(number for number in self._whole_epochs() if number <= epoch)
        keep = set(older[-KEEP:])
        for number, folder in folders.items():
            if number not in keep:
                (folder / MANIFEST).unlink(missing_ok=True)  # first, so that a kill leaves an unfinished folder
                sync_directory(folder)
                shutil.rmtree(folder, ignore_errors=True)


def _encode_tensors(tensors: Mapping[str, Tensor | np.ndarray[Any, Any]]) -> bytes:
    plain: dict[str, Tensor] = {}
    for name in sorted(tensors):
        value = tensors[name]
        tensor = torch.from_numpy(np.array(value, order="C")) if isinstance(value, np.ndarray) else value.detach()
        plain[name] = tensor.to("cpu", copy=True).contiguous()  # a copy: safetensors refuses shared storage
    return safetensors.torch.save(plain)


def _manifest(epoch: int, files: Mapping[str, Any], world_size: int) -> bytes:
    manifest = {"format_version": STATE_VERSION, "epoch": epoch, "files": dict(sorted(files.items()))}
    if world_size > 1:
        manifest["world_size"] = world_size
    return json.dumps(manifest, indent=1).encode()


def _read_part(folder: Path, listed: Mapping[str, Any], rank: int) -> tuple[dict[str, Tensor], dict[str, Any]]:
    parts: list[bytes] = []
    for suffix in ("safetensors", "json"):
        name = f"rank{rank}.{suffix}"
        if name not in listed:
            raise CheckpointError(f"trainer state {folder} has no {name}; it holds {sorted(listed)}.")
        parts.append(_read_checked(folder / name, listed[name]))
    try:
        tensors, data = safetensors.torch.load(parts[0]), json.loads(parts[1])
        if not isinstance(data, dict):
            raise ValueError(f"its JSON is a {type(data).__name__}, expected an object")
    except (safetensors.SafetensorError, ValueError, KeyError, RecursionError) as error:
        raise CheckpointError(f"trainer state {folder} cannot be read: {error}.") from error
    return tensors, data


def _read_manifest(folder: Path, epoch: int) -> tuple[int, dict[str, dict[str, Any]], int]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        version = check_version(manifest["format_version"], STATE_VERSION, f"trainer state {folder}")
        written, files = manifest["epoch"], manifest["files"]
        known = {str(name): {"bytes": int(e["bytes"]), "sha256": str(e["sha256"])} for name, e in files.items()}
        world_size = int(manifest.get("world_size", 1))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"trainer state {folder}: {MANIFEST} is damaged ({error!r}).") from error
    if written != epoch:
        raise CheckpointError(f"trainer state {folder} was written for epoch {written}; was the folder renamed?")
    return version, known, world_size


def _read_checked(path: Path, entry: Mapping[str, Any]) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"trainer state {path} cannot be read: {error.strerror or error}.") from error
    if len(data) != entry["bytes"]:
        raise CheckpointError(f"trainer state {path} has {len(data)} bytes, its manifest says {entry['bytes']}.")
    digest = hashlib.sha256(data).hexdigest()
    if digest != entry["sha256"]:
        raise CheckpointError(f"trainer state {path} has SHA-256 {digest}, its manifest says {entry['sha256']}.")
    return data
