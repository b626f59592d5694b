"""The replay file: a game config, a seed and the actions, with keyframes. The game plays the rest again.

Layout, little-endian::

    offset  bytes
         0      8  magic 89 'MGR' 0D 0A 1A 0A  (a transfer that changes line ends destroys it visibly)
         8      2  format version
        10      2  reserved, 0
        12      4  bytes of the compressed payload
        16      4  bytes of the payload
        20     32  SHA-256 of bytes 0-19 and the compressed payload
        52      .  zlib stream of: u32 header bytes | header (JSON) | actions u8[steps, agents] | keyframe snapshots

A keyframe holds the world's snapshot and hash after so many steps. The hash proves that playing the actions again
reaches the same worlds; the snapshot lets a tool of the same engine version start from there.
"""

from __future__ import annotations

import hashlib
import struct
import zlib
from dataclasses import dataclass
from itertools import pairwise
from typing import Self

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from metta.common.config import Config
from metta.common.errors import ConfigError, MettaError
from metta.mettagrid.config.game import MettaGridConfig

SUFFIX = ".replay"
FORMAT_VERSION = 1
MAX_BYTES = 64 * 1024 * 1024
"""Largest payload that is decompressed unless the caller raises the limit."""
INVALID_ACTION = 255
"""Stands for every action id that the game does not have: the game treats them all alike."""

_MAGIC = b"\x89MGR\r\n\x1a\n"
_PREFIX = struct.Struct("<8sHHII")
_HEADER_LENGTH = struct.Struct("<I")
_SHA256_BYTES = 32


class ReplayError(MettaError, ValueError):
    """A replay file is damaged, hostile or foreign, or the game does not play it back to the recorded worlds."""


class KeyframeEntry(Config):
    """Where a keyframe stands. ``state_hash`` is hexadecimal, because JSON readers elsewhere round 64-bit numbers."""

    step: int = Field(ge=0)
    state_hash: str = Field(pattern=r"^[0-9a-f]{16}$")
    num_bytes: int = Field(ge=0)


class ReplayHeader(Config):
    """Everything but actions and snapshots."""

    env: MettaGridConfig
    seed: int = Field(ge=0, lt=2**63)
    num_steps: int = Field(ge=0)
    num_agents: int = Field(ge=1)
    action_names: tuple[str, ...] = Field(min_length=1, max_length=INVALID_ACTION)
    policy: str = Field(default="", max_length=4096, description="who played, for people")
    keyframes: tuple[KeyframeEntry, ...] = Field(min_length=1, description="the first is step 0, the last the end")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        game, steps = self.env.game, [keyframe.step for keyframe in self.keyframes]
        if self.num_agents != game.num_agents:
            raise ValueError(f"num_agents is {self.num_agents}, but the game has {game.num_agents} agents")
        if 0 < game.max_steps < self.num_steps:
            raise ValueError(f"num_steps is {self.num_steps}, but the game ends after {game.max_steps}")
        if steps[0] != 0 or steps[-1] != self.num_steps or any(a >= b for a, b in pairwise(steps)):
            raise ValueError(f"keyframe steps must rise from 0 to num_steps={self.num_steps}, got {steps[:20]}")
        return self


@dataclass(frozen=True, slots=True)
class Replay:
    """One recorded episode.

    Shapes: ``actions [steps, agents] uint8``; ``snapshots``: one bytes object a keyframe of the header.
    """

    header: ReplayHeader
    actions: NDArray[np.uint8]
    snapshots: tuple[bytes, ...]


def pack_replay(replay: Replay) -> bytes:
    """The file's bytes; equal replays give equal bytes with the same zlib."""
    header = replay.header.model_dump_json().encode()
    actions = np.ascontiguousarray(replay.actions, dtype=np.uint8)
    payload = b"".join([_HEADER_LENGTH.pack(len(header)), header, actions.tobytes(), *replay.snapshots])
    if len(payload) >= 2**32:
        raise ReplayError(f"the replay needs {len(payload)} bytes, the format holds less than 4 GiB. Record less.")
    compressed = zlib.compress(payload, level=9)
    prefix = _PREFIX.pack(_MAGIC, FORMAT_VERSION, 0, len(compressed), len(payload))
    return prefix + hashlib.sha256(prefix + compressed).digest() + compressed


def unpack_replay(data: bytes, *, max_bytes: int = MAX_BYTES) -> Replay:
    """Check and decode a file's bytes. Never allocates more than about ``max_bytes`` for the payload.

    Raises:
        ReplayError: says what is wrong with the bytes.
    """
    payload = _decompress(data, max_bytes)
    if len(payload) < _HEADER_LENGTH.size:
        raise ReplayError(f"the payload has {len(payload)} bytes, too few for a header.")
    (header_bytes,) = _HEADER_LENGTH.unpack_from(payload)
    start = _HEADER_LENGTH.size + header_bytes
    if start > len(payload):
        raise ReplayError(f"the header claims {header_bytes} bytes, the payload has {len(payload)}.")
    try:
        header = ReplayHeader.model_validate_json(payload[_HEADER_LENGTH.size : start])
    except ConfigError as error:
        raise ReplayError(f"the header is refused: {error}.") from error
    num_actions = header.num_steps * header.num_agents
    sizes = [keyframe.num_bytes for keyframe in header.keyframes]
    expected = start + num_actions + sum(sizes)
    if expected != len(payload):
        raise ReplayError(
            f"the payload has {len(payload)} bytes, but its header describes {expected}: {header.num_steps} steps of "
            f"{header.num_agents} agents and {len(sizes)} keyframes."
        )
    actions = np.frombuffer(payload, dtype=np.uint8, count=num_actions, offset=start)
    position = start + num_actions
    snapshots: list[bytes] = []
    for size in sizes:
        snapshots.append(payload[position : position + size])
        position += size
    return Replay(header, actions.reshape(header.num_steps, header.num_agents), tuple(snapshots))


def _decompress(data: bytes, max_bytes: int) -> bytes:
    body = _PREFIX.size + _SHA256_BYTES
    if len(data) < body:
        raise ReplayError(f"the file has {len(data)} bytes; a replay has at least {body}. It is empty or cut off.")
    magic, version, reserved, compressed_bytes, payload_bytes = _PREFIX.unpack_from(data)
    if magic != _MAGIC:
        raise ReplayError(
            f"the file starts with {magic!r}; a replay starts with {_MAGIC!r}. It is another kind of file."
        )
    if version > FORMAT_VERSION:
        raise ReplayError(
            f"the replay has format version {version}, this program reads up to {FORMAT_VERSION}. Update."
        )
    if version < 1 or reserved != 0:
        raise ReplayError(f"format version {version} with reserved field {reserved} does not exist.")
    if len(data) != body + compressed_bytes:
        raise ReplayError(
            f"the file has {len(data)} bytes, it should have {body + compressed_bytes}. It is cut off or grew."
        )
    if payload_bytes > max_bytes:
        raise ReplayError(
            f"the replay unpacks to {payload_bytes:,} bytes, more than the limit of {max_bytes:,}. "
            "If you trust it, raise the limit (max_bytes)."
        )
    compressed = data[body:]
    if hashlib.sha256(data[: _PREFIX.size] + compressed).digest() != data[_PREFIX.size : body]:
        raise ReplayError("the checksum does not fit the bytes: the file was damaged or changed.")
    stream = zlib.decompressobj()
    try:
        # One byte more than promised shows a stream that lies about its size, without unpacking all of it.
        payload = stream.decompress(compressed, payload_bytes + 1)
    except zlib.error as error:
        raise ReplayError(f"the compressed payload is damaged: {error}.") from error
    if len(payload) != payload_bytes or not stream.eof or stream.unused_data:
        raise ReplayError(
            f"the payload does not unpack to the promised {payload_bytes} bytes: the file lies or is damaged."
        )
    return payload
