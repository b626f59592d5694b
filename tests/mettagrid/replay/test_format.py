"""The replay file: round trip, and every way to break one is refused with bounded memory."""

from __future__ import annotations

import hashlib
import struct
import tracemalloc
import zlib
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.replay.format import (
    FORMAT_VERSION,
    KeyframeEntry,
    Replay,
    ReplayError,
    ReplayHeader,
    pack_replay,
    unpack_replay,
)

PREFIX = struct.Struct("<8sHHII")
MAGIC = b"\x89MGR\r\n\x1a\n"


def make_replay(steps: int = 7, agents: int = 3, snapshot: bytes = b"world" * 20) -> Replay:
    rng = np.random.default_rng(0)
    config = make_arena(agents)
    keyframes = [KeyframeEntry(step=0, state_hash="0123456789abcdef", num_bytes=len(snapshot))]
    if steps:
        keyframes.append(KeyframeEntry(step=steps, state_hash="f" * 16, num_bytes=3))
    header = ReplayHeader(
        env=config,
        seed=5,
        num_steps=steps,
        num_agents=agents,
        action_names=config.game.actions.names(),
        policy="mock://random",
        keyframes=tuple(keyframes),
    )
    actions = rng.integers(0, 14, size=(steps, agents)).astype(np.uint8)
    return Replay(header, actions, (snapshot, b"end")[: len(keyframes)])


def packed(payload: bytes, *, version: int = FORMAT_VERSION, claimed: int | None = None) -> bytes:
    """A file with a right checksum around any payload: what a hostile writer can make."""
    compressed = zlib.compress(payload)
    prefix = PREFIX.pack(MAGIC, version, 0, len(compressed), len(payload) if claimed is None else claimed)
    return prefix + hashlib.sha256(prefix + compressed).digest() + compressed


def payload_with(header: bytes, rest: bytes = b"") -> bytes:
    return struct.pack("<I", len(header)) + header + rest


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_round_trip(steps: int) -> None:
    replay = make_replay(steps)
    found = unpack_replay(pack_replay(replay))
    assert found.header == replay.header
    assert np.array_equal(found.actions, replay.actions)
    assert found.snapshots == replay.snapshots


def test_equal_replays_give_equal_bytes() -> None:
    assert pack_replay(make_replay()) == pack_replay(make_replay())


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_changed_byte_is_noticed(data: st.DataObject) -> None:
    whole = pack_replay(make_replay())
    position = data.draw(st.integers(0, len(whole) - 1))
    broken = bytearray(whole)
    broken[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(ReplayError):
        unpack_replay(bytes(broken))


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 4000))
def test_any_cut_is_noticed(length: int) -> None:
    whole = pack_replay(make_replay())
    with pytest.raises(ReplayError):
        unpack_replay(whole[: min(length, len(whole) - 1)])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "0 bytes"),
        (b"{}" * 100, "another kind of file"),
        (packed(b"x", version=FORMAT_VERSION + 1), f"format version {FORMAT_VERSION + 1}.*Update"),
        (packed(b"x", version=0), "does not exist"),
        (packed(b"xy"), "too few for a header"),
        (packed(struct.pack("<I", 2**32 - 1)), "claims 4294967295 bytes"),
        (packed(payload_with(b"[" * 100_000)), "header is refused"),
        (packed(payload_with(b"\xff\xfe")), "header is refused"),
        (packed(payload_with(b'{"seed": NaN}')), "header is refused"),
        (packed(b"x" * 100, claimed=99), "promised 99 bytes"),
        (packed(b"x" * 100, claimed=101), "promised 101 bytes"),
        (pack_replay(make_replay()) + b"more", "cut off or grew"),
    ],
)
def test_hostile_files_are_refused(data: bytes, message: str) -> None:
    with pytest.raises(ReplayError, match=message):
        unpack_replay(data)


def test_a_bomb_is_refused_before_it_unpacks() -> None:
    """256 MiB of zeros, announced honestly or hidden behind a small number, costs no memory to refuse."""
    stream = zlib.compressobj(1)
    block = bytes(1 << 20)
    compressed = b"".join(stream.compress(block) for _ in range(256)) + stream.flush()
    for claimed, message in ((1 << 28, "more than the limit"), (1 << 20, "promised 1048576 bytes")):
        prefix = PREFIX.pack(MAGIC, FORMAT_VERSION, 0, len(compressed), claimed)
        data = prefix + hashlib.sha256(prefix + compressed).digest() + compressed
        tracemalloc.start()
        try:
            with pytest.raises(ReplayError, match=message):
                unpack_replay(data)
            assert tracemalloc.get_traced_memory()[1] < 16 << 20
        finally:
            tracemalloc.stop()


def broken_header(change: Callable[[dict[str, object]], object]) -> bytes:
    """A file whose header was changed, with everything else right."""
    import json

    replay = make_replay()
    header = json.loads(replay.header.model_dump_json())
    change(header)
    text = json.dumps(header).encode()
    return packed(payload_with(text, replay.actions.tobytes() + b"".join(replay.snapshots)))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda h: h.update(num_steps=2**40), "num_steps is|keyframe steps"),
        (lambda h: h.update(num_agents=2**31), "num_agents is 2147483648, but the game has 3"),
        (lambda h: h.update(num_agents=-1), "num_agents"),
        (lambda h: h.update(seed=-1), "seed"),
        (lambda h: h.update(keyframes=[]), "keyframes"),
        (lambda h: h["keyframes"][0].update(num_bytes=2**60), "its header describes"),
        (lambda h: h["keyframes"][0].update(step=3), "keyframe steps must rise from 0"),
        (lambda h: h["keyframes"][1].update(state_hash="xyz"), "state_hash"),
        (lambda h: h["keyframes"].reverse(), "keyframe steps must rise"),
        (lambda h: h["env"]["game"]["map"].update(rooms=2**31), "header is refused"),
        (lambda h: h["env"]["game"].update(num_agents=0), "header is refused"),
        (lambda h: h.update(extra="__proto__"), "extra"),
        (lambda h: h.update(action_names=[]), "action_names"),
    ],
)
def test_headers_that_lie_are_refused(change: Callable[[dict[str, object]], object], message: str) -> None:
    with pytest.raises(ReplayError, match=message):
        unpack_replay(broken_header(change))


def test_the_limit_can_be_raised_or_lowered() -> None:
    data = pack_replay(make_replay())
    with pytest.raises(ReplayError, match="max_bytes"):
        unpack_replay(data, max_bytes=100)
