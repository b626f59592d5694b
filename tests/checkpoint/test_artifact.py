from __future__ import annotations

import hashlib
import io
import json
import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from metta.checkpoint import artifact
from metta.checkpoint.artifact import PolicyMetadata, decode_artifact, encode_artifact, load_artifact, save_artifact
from metta.common.env_spec import EnvSpec
from metta.common.errors import CheckpointError

SPEC = EnvSpec(
    name="corridor", obs_kind="box", obs_shape=(2,), obs_dtype="float32", action_names=("left", "right"), num_agents=1
)
META = PolicyMetadata(epoch=3, agent_step=192, architecture={"type": "mlp", "hidden_sizes": [4]}, env_spec=SPEC)
WEIGHTS = {"b.bias": torch.arange(3.0), "a.weight": torch.linspace(-1, 1, 6).reshape(2, 3), "steps": torch.tensor(5)}
DATA = encode_artifact(WEIGHTS, META)


def parts_of(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def artifact_of(weights: bytes, policy: bytes | None = None, version: int = 1) -> bytes:
    """An artifact whose checksums are right, whatever is inside."""
    parts = {artifact.WEIGHTS: weights, artifact.POLICY: policy or parts_of(DATA)[artifact.POLICY]}
    digests = {name: hashlib.sha256(part).hexdigest() for name, part in parts.items()}
    parts[artifact.MANIFEST] = json.dumps({"format_version": version, "sha256": digests}).encode()
    return artifact._archive(parts)


class Bomb:
    """Unpickling this would create a file: the proof that nobody unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str, int]]:
        return os.mkdir, (str(self.path), 0o700)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.text(st.characters(categories=["L", "Nd"], include_characters="._/"), min_size=1, max_size=12),
        st.tuples(
            st.sampled_from([torch.float32, torch.float64, torch.int64, torch.bool, torch.bfloat16]),
            st.lists(st.integers(0, 3), max_size=3),
        ),
        max_size=4,
    ),
    st.integers(0, 2**40),
)
def test_round_trip_keeps_every_bit(layout: dict[str, tuple[torch.dtype, list[int]]], agent_step: int) -> None:
    weights = {name: torch.ones(shape).cumsum(0).to(dtype) if shape else torch.tensor(1).to(dtype)
               for name, (dtype, shape) in layout.items()}  # fmt: skip
    meta = META.replace({"agent_step": agent_step})
    loaded, loaded_meta = decode_artifact(encode_artifact(weights, meta), "x.mpt")
    assert loaded_meta == meta
    assert loaded.keys() == weights.keys()
    for name, tensor in weights.items():
        assert loaded[name].dtype == tensor.dtype
        assert torch.equal(loaded[name], tensor)


def test_equal_weights_give_equal_bytes_in_any_order_and_layout() -> None:
    shuffled: dict[str, Tensor] = {name: WEIGHTS[name] for name in sorted(WEIGHTS)}
    shuffled["a.weight"] = WEIGHTS["a.weight"].t().contiguous().t()  # same values, other strides
    assert encode_artifact(shuffled, META) == DATA


def test_shared_storage_is_saved_twice() -> None:
    tied = {"in.weight": WEIGHTS["a.weight"], "out.weight": WEIGHTS["a.weight"]}
    loaded, _ = decode_artifact(encode_artifact(tied, META), "x.mpt")
    assert torch.equal(loaded["in.weight"], loaded["out.weight"])


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(DATA) - 1), st.integers(1, 255))
def test_any_flipped_bit_is_refused(position: int, mask: int) -> None:
    damaged = bytearray(DATA)
    damaged[position] ^= mask
    with pytest.raises(CheckpointError, match=r"x\.mpt"):
        decode_artifact(bytes(damaged), "x.mpt")


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(DATA) - 1))
def test_any_truncation_is_refused(length: int) -> None:
    with pytest.raises(CheckpointError, match=r"x\.mpt"):
        decode_artifact(DATA[:length], "x.mpt")


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300), st.booleans())
def test_arbitrary_bytes_are_refused(data: bytes, with_signature: bool) -> None:
    with pytest.raises(CheckpointError, match=r"x\.mpt"):
        decode_artifact((b"PK\x03\x04" if with_signature else b"") + data, "x.mpt")


@pytest.mark.parametrize("at", ["begin", "end"])
def test_bytes_around_the_archive_are_refused(at: str) -> None:
    padded = b"\0" * 8 + DATA if at == "begin" else DATA + b"\0" * 8
    with pytest.raises(CheckpointError):
        decode_artifact(padded, "x.mpt")


def test_pickles_are_refused_and_never_run(tmp_path: Path) -> None:
    target = tmp_path / "unpickled"
    plain = tmp_path / "plain.mpt"
    plain.write_bytes(pickle.dumps(Bomb(target)))
    saved_by_torch = tmp_path / "torch.mpt"
    torch.save({"weights": Bomb(target)}, saved_by_torch)
    inside = tmp_path / "inside.mpt"
    inside.write_bytes(artifact_of(pickle.dumps(Bomb(target))))
    for path in (plain, saved_by_torch, inside):
        with pytest.raises(CheckpointError, match="is a pickle") as caught:
            load_artifact(path)
        assert str(path) in str(caught.value)
    assert not target.exists()


def test_wrong_checksum_names_the_part_and_both_digests() -> None:
    position = DATA.index(b"corridor")
    damaged = DATA.replace(b"corridor", b"corrid0r")
    with pytest.raises(CheckpointError, match=r"wrong checksum: policy\.json has SHA-256 [0-9a-f]{64}, its manifest"):
        decode_artifact(damaged, "x.mpt")
    assert position > 0


@pytest.mark.parametrize("name", ["extra.txt", "../../etc/passwd", "/etc/passwd", "code.pkl"])
def test_extra_entries_are_refused(name: str) -> None:
    buffer = io.BytesIO(DATA)
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr(name, b"hidden")
    with pytest.raises(CheckpointError, match=r"holds the entries|is a pickle"):
        decode_artifact(buffer.getvalue(), "x.mpt")


def test_another_archive_is_refused_with_its_entries() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("../weights.safetensors", b"x")
    with pytest.raises(CheckpointError, match=r"'\.\./weights\.safetensors'"):
        decode_artifact(buffer.getvalue(), "x.mpt")


def test_a_compressed_copy_is_refused() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts_of(DATA).items():
            archive.writestr(name, part)
    with pytest.raises(CheckpointError, match="packed again"):
        decode_artifact(buffer.getvalue(), "x.mpt")


def test_newer_version_asks_for_an_update() -> None:
    with pytest.raises(CheckpointError, match=r"format version 2, this Metta reads up to 1.*Update Metta"):
        decode_artifact(artifact_of(parts_of(DATA)[artifact.WEIGHTS], version=2), "x.mpt")


def test_parts_over_their_size_are_refused_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = tmp_path / "x.mpt"
    path.write_bytes(DATA)
    monkeypatch.setitem(artifact.MAX_BYTES, artifact.WEIGHTS, 10)
    with pytest.raises(CheckpointError, match="the format allows 10"):
        load_artifact(path)
    with pytest.raises(CheckpointError, match="the format allows 10"):
        encode_artifact(WEIGHTS, META)
    monkeypatch.setattr(artifact, "MAX_BYTES", dict.fromkeys(artifact.MAX_BYTES, 10))
    with pytest.raises(CheckpointError, match="at most 30"):
        load_artifact(path)


@pytest.mark.parametrize("policy", [b"[]", b"{", b'{"epoch": -1}', b"[" * 100_000])
def test_bad_metadata_is_refused(policy: bytes) -> None:
    with pytest.raises(CheckpointError, match=r"policy\.json"):
        decode_artifact(artifact_of(parts_of(DATA)[artifact.WEIGHTS], policy), "x.mpt")


def test_missing_file_and_unwritable_folder_are_told(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        load_artifact(tmp_path / "none.mpt")
    (tmp_path / "file").write_text("")
    with pytest.raises(CheckpointError, match="cannot write policy"):
        save_artifact(tmp_path / "file" / "x.mpt", WEIGHTS, META)


def test_any_unzip_tool_can_read_the_parts(tmp_path: Path) -> None:
    path = tmp_path / "x.mpt"
    save_artifact(path, WEIGHTS, META)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["weights.safetensors", "policy.json", "manifest.json"]
    assert json.loads(parts_of(path.read_bytes())["policy.json"])["env_spec"]["action_names"] == ["left", "right"]
