"""Trainer state on disk: everything that a killed run needs to go on as if nothing had happened.

One folder a saved epoch, the manifest written last, so that a folder with a manifest is whole::

    trainer_state/v40/rank0.safetensors   tensors: weights, optimizer, memory, environments, random states
    trainer_state/v40/rank0.json          counters, hook states, log offsets
    trainer_state/v40/manifest.json       {"format_version": 2, "epoch": 40, "files": {name: {"bytes", "sha256"}}}

The newest two are kept: should the newest be damaged by a disk, the run goes on from the one before and says so.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from metta.checkpoint.migrations import STATE, STATE_VERSION, check_version, migrate
from metta.common.atomic import remove_leftovers, write_atomic
from metta.common.errors import CheckpointError, NewerVersionError
from metta.common.log import get_logger
from metta.common.run_dir import RunDir

KEEP = 2
MANIFEST = "manifest.json"

_FOLDER = re.compile(r"v(0|[1-9]\d*)")
_log = get_logger(__name__)


@dataclass(slots=True)
class TrainerSnapshot:
    """State of a training run between two epochs. ``tensors`` may hold numpy arrays when saved; loading gives tensors.

    ``data`` is plain JSON (dict, list, str, int, float, bool, None); floats survive exactly, NaN and infinity included.
    """

    epoch: int
    tensors: Mapping[str, Tensor | np.ndarray[Any, Any]] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)


class TrainerStateStore:
    """Saves and loads :class:`TrainerSnapshot` under ``<run>/trainer_state``. One process at a time uses it."""

    def __init__(self, run_dir: RunDir, *, rank: int = 0) -> None:
        self.root = run_dir.trainer_state
        self.rank = rank

    def save(self, snapshot: TrainerSnapshot, epoch: int | None = None) -> Path:
        """Write the folder of ``epoch`` (default: the snapshot's own); older folders beyond two go away afterwards.

        Folders of later epochs are removed too: they belong to a timeline that this run went back from.

        Raises:
            CheckpointError: the disk is full or not writable. What was saved before is untouched.
        """
        epoch = snapshot.epoch if epoch is None else epoch
        folder = self.root / f"v{epoch}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / MANIFEST).unlink(missing_ok=True)  # from here on the folder counts as unfinished
            files = {f"rank{self.rank}.safetensors": _encode_tensors(snapshot.tensors)}
            files[f"rank{self.rank}.json"] = json.dumps(dict(snapshot.data), sort_keys=True).encode()
            for name, data in files.items():
                write_atomic(folder / name, data)
            write_atomic(folder / MANIFEST, _manifest(epoch, files))
        except OSError as error:
            raise CheckpointError(
                f"cannot save trainer state {folder}: {error.strerror or error}. It needs space and permission under "
                "system.data_dir; the state saved before is untouched."
            ) from error
        self._clean(epoch)
        return folder

    def load_newest(self) -> TrainerSnapshot | None:
        """The newest whole state; None when the run has none. Unfinished folders of a killed save are ignored.

        A damaged state is told with a warning, and the one before it is taken.

        Raises:
            CheckpointError: states exist, but every one is damaged.
            NewerVersionError: the newest whole one is from a newer version; an older one would lose its work.
        """
        faults: list[str] = []
        for epoch in sorted(self._whole_epochs(), reverse=True):
            try:
                snapshot = self._load(epoch)
            except NewerVersionError:
                raise
            except CheckpointError as error:
                faults.append(str(error))
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
        """Delete what a killed save left behind. Call it when the run is owned, before the first save."""
        for folder in self._folders().values():
            if (folder / MANIFEST).is_file():
                remove_leftovers(folder)
            else:
                shutil.rmtree(folder, ignore_errors=True)

    def _load(self, epoch: int) -> TrainerSnapshot:
        folder = self.root / f"v{epoch}"
        version, listed = _read_manifest(folder, epoch)
        parts: dict[str, bytes] = {}
        for suffix in ("safetensors", "json"):
            name = f"rank{self.rank}.{suffix}"
            if name not in listed:
                raise CheckpointError(f"trainer state {folder} has no {name}; it holds {sorted(listed)}.")
            parts[suffix] = _read_checked(folder / name, listed[name])
        try:
            tensors, data = safetensors.torch.load(parts["safetensors"]), json.loads(parts["json"])
            if not isinstance(data, dict):
                raise ValueError(f"its JSON is a {type(data).__name__}, expected an object")
            tensors, data = migrate(STATE, version, STATE_VERSION, tensors, data)
        except (safetensors.SafetensorError, ValueError, KeyError, RecursionError) as error:
            raise CheckpointError(f"trainer state {folder} cannot be read: {error}.") from error
        return TrainerSnapshot(epoch=epoch, tensors=tensors, data=data)

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
                shutil.rmtree(folder, ignore_errors=True)


def _encode_tensors(tensors: Mapping[str, Tensor | np.ndarray[Any, Any]]) -> bytes:
    plain: dict[str, Tensor] = {}
    for name in sorted(tensors):
        value = tensors[name]
        tensor = torch.from_numpy(np.array(value, order="C")) if isinstance(value, np.ndarray) else value.detach()
        plain[name] = tensor.to("cpu", copy=True).contiguous()  # a copy: safetensors refuses shared storage
    return safetensors.torch.save(plain)


def _manifest(epoch: int, files: Mapping[str, bytes]) -> bytes:
    listed = {
        name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in sorted(files.items())
    }
    return json.dumps({"format_version": STATE_VERSION, "epoch": epoch, "files": listed}, indent=1).encode()


def _read_manifest(folder: Path, epoch: int) -> tuple[int, dict[str, dict[str, Any]]]:
    try:
        manifest = json.loads((folder / MANIFEST).read_bytes())
        version = check_version(manifest["format_version"], STATE_VERSION, f"trainer state {folder}")
        written, files = manifest["epoch"], manifest["files"]
        known = {str(name): {"bytes": int(e["bytes"]), "sha256": str(e["sha256"])} for name, e in files.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise CheckpointError(f"trainer state {folder}: {MANIFEST} is damaged ({error!r}).") from error
    if written != epoch:
        raise CheckpointError(f"trainer state {folder} was written for epoch {written}; was the folder renamed?")
    return version, known


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
