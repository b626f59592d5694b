"""The policy artifact ``<run>:v<epoch>.mpt``: a zip of safetensors and JSON that can be trusted with a stranger's file.

Layout, always in this order, stored without compression and with fixed dates::

    weights.safetensors   the tensors, nothing else
    policy.json           PolicyMetadata: architecture, EnvSpec (features, action names), epoch, agent_step
    manifest.json         {"format_version": 1, "sha256": {entry: digest}}

A file has one valid form: the reader takes the three parts out, rebuilds the archive and compares all bytes. So a
flipped bit, a hidden or doubled entry, a path with ``..`` and a compression bomb are refused alike, whatever a zip
library would make of them. Neither run name, time nor host is inside: equal training gives equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
from pydantic import Field
from torch import Tensor

from metta.checkpoint.migrations import POLICY as MIGRATIONS
from metta.checkpoint.migrations import POLICY_VERSION, check_version, migrate
from metta.common.atomic import write_atomic
from metta.common.config import Config
from metta.common.env_spec import EnvSpec
from metta.common.errors import CheckpointError

WEIGHTS, POLICY, MANIFEST = "weights.safetensors", "policy.json", "manifest.json"
MAX_BYTES = {WEIGHTS: 2 << 30, POLICY: 16 << 20, MANIFEST: 64 << 10}
"""Largest size of each part, in bytes; below 4 GiB in sum, so that no archive needs the zip64 form."""

_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest a zip can hold; a real date would make equal policies differ
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")
_NEVER_PICKLE = (
    "is a pickle (as torch.save writes it). Unpickling runs code of whoever made the file, so Metta never does it; "
    "expected a .mpt artifact (zip of safetensors and JSON) as `train` writes it."
)


class PolicyMetadata(Config):
    """What an artifact says about its weights. ``architecture`` is the dumped policy config, ``type`` included."""

    format_version: int = POLICY_VERSION
    epoch: int = Field(ge=0)
    agent_step: int = Field(ge=0)
    architecture: dict[str, Any]
    env_spec: EnvSpec


def save_artifact(path: Path, weights: Mapping[str, Tensor], meta: PolicyMetadata) -> None:
    """Write ``path`` atomically; equal weights and metadata give equal bytes on every machine.

    Raises:
        CheckpointError: a part is larger than ``MAX_BYTES``, or the file cannot be written (disk full, permissions).
    """
    data = encode_artifact(weights, meta)
    try:
        write_atomic(path, data)
    except OSError as error:
        raise CheckpointError(
            f"cannot write policy {path}: {error.strerror or error}. system.data_dir needs space and permission."
        ) from error


def load_artifact(path: Path) -> tuple[dict[str, Tensor], PolicyMetadata]:
    """Read and check ``path``: tensors on the CPU, and what is known about them.

    Raises:
        CheckpointError: missing, damaged, truncated, foreign, a pickle, or from a newer version of Metta.
    """
    try:
        size = path.stat().st_size
        if size > sum(MAX_BYTES.values()):
            raise CheckpointError(f"{path} has {size} bytes; a policy artifact has at most {sum(MAX_BYTES.values())}.")
        data = path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"cannot read policy {path}: {error.strerror or error}.") from error
    return decode_artifact(data, str(path))


def encode_artifact(weights: Mapping[str, Tensor], meta: PolicyMetadata) -> bytes:
    """The artifact's bytes. Tensors are copied to the CPU, so shared or strided ones are fine."""
    plain = {name: tensor.detach().to("cpu", copy=True).contiguous() for name, tensor in sorted(weights.items())}
    parts = {WEIGHTS: safetensors.torch.save(plain), POLICY: _to_json(meta.model_dump(mode="json"))}
    digests = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    parts[MANIFEST] = _to_json({"format_version": POLICY_VERSION, "sha256": digests})
    for name, part in parts.items():
        if len(part) > MAX_BYTES[name]:
            raise CheckpointError(f"{name} would have {len(part)} bytes, the format allows {MAX_BYTES[name]}.")
    return _archive(parts)


def decode_artifact(data: bytes, origin: str) -> tuple[dict[str, Tensor], PolicyMetadata]:
    """Inverse of :func:`encode_artifact`; ``origin`` names the file in messages.

    Raises:
        CheckpointError: see :func:`load_artifact`.
    """
    parts = _split(data, origin)
    version, manifest = _read_manifest(parts[MANIFEST], origin)
    for name in (WEIGHTS, POLICY):
        got = hashlib.sha256(parts[name]).hexdigest()
        if got != manifest.get(name):
            raise CheckpointError(
                f"{origin}: wrong checksum: {name} has SHA-256 {got}, its manifest says {manifest.get(name)}. The file "
                "was damaged or changed; take another epoch's artifact or copy it again."
            )
    if _archive(parts) != data:
        raise CheckpointError(_explain_foreign(data, origin))
    weights, policy = _read_weights(parts[WEIGHTS], origin), _from_json(parts[POLICY], POLICY, origin)
    if version < POLICY_VERSION:
        weights, policy = migrate(MIGRATIONS, version, POLICY_VERSION, weights, policy)
        policy["format_version"] = POLICY_VERSION
    return weights, _metadata(policy, origin)


def _archive(parts: Mapping[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name in (WEIGHTS, POLICY, MANIFEST):
            entry = zipfile.ZipInfo(name, date_time=_DATE)
            entry.create_system = 3  # zipfile would write the platform's own number
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, parts[name])
    return buffer.getvalue()


def _split(data: bytes, origin: str) -> dict[str, bytes]:
    """Take the three stored parts out by their local headers; the caller proves that nothing else is in the file."""
    if len(data) >= 2 and data[0] == 0x80 and data[1] <= 5:
        raise CheckpointError(f"{origin} {_NEVER_PICKLE}")
    if not data.startswith(b"PK"):
        start = f"starts with {data[:8]!r}" if data else "is empty"
        raise CheckpointError(f"{origin} is not a policy artifact: it {start}, a .mpt starts with b'PK'.")
    parts: dict[str, bytes] = {}
    position = 0
    for expected in (WEIGHTS, POLICY, MANIFEST):
        header = data[position : position + _LOCAL_HEADER.size]
        if len(header) < _LOCAL_HEADER.size:
            raise CheckpointError(f"{origin} is truncated: it ends inside the header of {expected}.")
        signature, _, flags, method, _, _, _, packed, size, name_bytes, extra_bytes = _LOCAL_HEADER.unpack(header)
        start = position + _LOCAL_HEADER.size
        name = data[start : start + name_bytes]
        if signature != b"PK\x03\x04" or name != expected.encode() or extra_bytes or flags or method or packed != size:
            raise CheckpointError(_explain_foreign(data, origin))
        if size > MAX_BYTES[expected]:
            raise CheckpointError(f"{origin}: {expected} claims {size} bytes, the format allows {MAX_BYTES[expected]}.")
        start += name_bytes
        position = start + size
        if position > len(data):
            raise CheckpointError(
                f"{origin} is truncated: {expected} needs {position} bytes, the file has {len(data)}. Copy it again."
            )
        parts[expected] = data[start:position]
    return parts


def _explain_foreign(data: bytes, origin: str) -> str:
    """Why an archive of another form is refused. Only its directory is looked at, nothing is unpacked."""
    damaged = f"{origin} is damaged, truncated or was packed again: its bytes are not those that Metta writes."
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError, EOFError, struct.error):
        return f"{damaged} Copy the original file again."
    if any(name.endswith(".pkl") for name in names):
        return f"{origin} {_NEVER_PICKLE}"
    if names == [WEIGHTS, POLICY, MANIFEST]:
        return f"{damaged} Copy the original file again."
    shown = ", ".join(repr(name) for name in names[:8])
    return (
        f"{origin} holds the entries [{shown}]; a .mpt holds exactly [{WEIGHTS!r}, {POLICY!r}, {MANIFEST!r}], "
        "uncompressed. It was made or changed by something else."
    )


def _read_manifest(part: bytes, origin: str) -> tuple[int, dict[str, str]]:
    manifest = _from_json(part, MANIFEST, origin)
    digests = manifest.get("sha256")
    try:
        version = check_version(manifest.get("format_version"), POLICY_VERSION, origin)
        if not isinstance(digests, dict) or set(digests) != {WEIGHTS, POLICY}:
            raise ValueError("no checksums of both parts")
    except ValueError as error:
        raise CheckpointError(f"{origin}: {MANIFEST} is damaged: {error}: got {str(manifest)[:200]}.") from error
    return version, digests


def _read_weights(part: bytes, origin: str) -> dict[str, Tensor]:
    try:
        return safetensors.torch.load(part)
    except (safetensors.SafetensorError, KeyError, ValueError) as error:
        if part[:1] == b"\x80" or part.startswith(b"PK"):
            raise CheckpointError(f"{origin}: {WEIGHTS} {_NEVER_PICKLE}") from error
        raise CheckpointError(f"{origin}: {WEIGHTS} is not a safetensors file: {error}.") from error


def _metadata(policy: Mapping[str, Any], origin: str) -> PolicyMetadata:
    try:
        check_version(policy.get("format_version", 1), POLICY_VERSION, origin)
        return PolicyMetadata.model_validate(policy)
    except ValueError as error:  # a ConfigError is one
        raise CheckpointError(f"{origin}: {POLICY}: {error}.") from error


def _from_json(part: bytes, name: str, origin: str) -> dict[str, Any]:
    try:
        value = json.loads(part)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{origin}: {name} is damaged: {error}.") from error
    if not isinstance(value, dict):
        raise CheckpointError(f"{origin}: {name} holds a {type(value).__name__}, expected an object.")
    return value


def _to_json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()
