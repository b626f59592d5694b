"""Whatever happens to the newest state's files: it is taken whole, or the one before it is, and nothing runs."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.errors import CheckpointError
from metta.common.run_dir import RunDir

FILES = ("rank0.safetensors", "rank0.json", "manifest.json")
FORBIDDEN = ("exec", "compile", "import", "os.system", "subprocess.Popen", "os.exec", "pickle.find_class")
_watched: list[str] | None = None


def _audit(event: str, _: object) -> None:
    if _watched is not None and event in FORBIDDEN:
        _watched.append(event)


sys.addaudithook(_audit)  # for good: Python takes none away


@contextmanager
def nothing_runs() -> Iterator[None]:
    global _watched  # noqa: PLW0603 - an audit hook has no other way to be switched
    _watched = events = []
    try:
        yield
    finally:
        _watched = None
    assert events == []


def snapshot(epoch: int) -> TrainerSnapshot:
    tensors = {"policy/w": torch.full((40,), float(epoch)), "rng/x": torch.arange(16, dtype=torch.uint8)}
    return TrainerSnapshot(epoch, tensors, {"counters": {"epoch": epoch}, "control": None})


@pytest.fixture(scope="module")
def saved() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        run_dir = RunDir.at(Path(folder), "run").create()
        store = TrainerStateStore(run_dir)
        store.save(snapshot(3))
        store.save(snapshot(6))
        store.load_newest()  # imports what loading needs
        yield run_dir.root


@contextmanager
def copied(saved: Path) -> Iterator[tuple[TrainerStateStore, Path]]:
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(saved, Path(folder) / "run")
        run_dir = RunDir.at(Path(folder), "run")
        yield TrainerStateStore(run_dir), run_dir.root / "trainer_state"


def falls_back(store: TrainerStateStore) -> None:
    with nothing_runs():
        loaded = store.load_newest()
    assert loaded is not None
    assert loaded.epoch == 3
    assert np.array_equal(np.asarray(loaded.tensors["policy/w"]), np.full(40, 3.0, np.float32))


@pytest.mark.parametrize("name", FILES)
def test_truncation_at_every_64th(saved: Path, name: str) -> None:
    with copied(saved) as (store, states):
        path = states / "v6" / name
        whole = path.read_bytes()
        for part in range(64):
            path.write_bytes(whole[: len(whole) * part // 64])
            falls_back(store)


@settings(max_examples=150, deadline=None)
@given(name=st.sampled_from(FILES[:2]), place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_any_flipped_bit_of_the_data(saved: Path, name: str, place: float, bit: int) -> None:
    with copied(saved) as (store, states):
        path = states / "v6" / name
        data = bytearray(path.read_bytes())
        data[int(len(data) * place)] ^= 1 << bit
        path.write_bytes(bytes(data))
        falls_back(store)


@settings(max_examples=150, deadline=None)
@given(manifest=st.binary(max_size=300) | st.text(max_size=100).map(lambda text: f'{{"files": "{text}"}}'.encode()))
def test_any_bytes_as_a_manifest(saved: Path, manifest: bytes) -> None:
    with copied(saved) as (store, states):
        (states / "v6" / "manifest.json").write_bytes(manifest)
        falls_back(store)


def test_a_page_of_zeros_and_files_of_another_epoch(saved: Path) -> None:
    for name in FILES:
        with copied(saved) as (store, states):
            path = states / "v6" / name
            path.write_bytes(bytes(len(path.read_bytes())))
            falls_back(store)
    with copied(saved) as (store, states):  # the old epoch's manifest with the new weights, and the other way round
        shutil.copyfile(states / "v3" / "manifest.json", states / "v6" / "manifest.json")
        falls_back(store)
    with copied(saved) as (store, states):
        shutil.copyfile(states / "v3" / "rank0.safetensors", states / "v6" / "rank0.safetensors")
        falls_back(store)
    with copied(saved) as (store, states):
        one, two = states / "v6" / FILES[0], states / "v6" / FILES[1]
        first, second = one.read_bytes(), two.read_bytes()
        one.write_bytes(second)
        two.write_bytes(first)
        falls_back(store)


def test_all_states_damaged_is_an_error_in_words(saved: Path) -> None:
    with copied(saved) as (store, states):
        for epoch in ("v3", "v6"):
            (states / epoch / "rank0.json").write_bytes(b"{")
        with pytest.raises(CheckpointError, match="its manifest says"):
            store.load_newest()
