from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import torch

from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.errors import CheckpointError
from metta.common.run_dir import RunDir


def snapshot(epoch: int) -> TrainerSnapshot:
    tensors = {
        "policy/weight": torch.full((2, 3), float(epoch)),
        "optimizer/0/step": torch.tensor(float(epoch)),
        "env/world": np.arange(6, dtype=np.uint8).reshape(2, 3)[:, ::2],
        "env/counter": np.array([2**63 + 1], np.uint64),
        "rng/actions": torch.Generator().manual_seed(epoch).get_state(),
    }
    return TrainerSnapshot(epoch, tensors, {"counters": {"epoch": epoch}, "x": 0.1 + 0.2, "inf": float("inf")})


@pytest.fixture
def store(run_dir: RunDir) -> TrainerStateStore:
    return TrainerStateStore(run_dir)


@pytest.fixture
def warnings(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> pytest.LogCaptureFixture:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    return caplog


def test_a_new_run_has_no_state(store: TrainerStateStore) -> None:
    assert store.load_newest() is None
    assert store.newest_epoch() is None


def test_round_trip_keeps_every_bit(store: TrainerStateStore) -> None:
    saved = snapshot(4)
    store.save(saved)
    loaded = store.load_newest()
    assert loaded is not None
    assert (loaded.epoch, loaded.data) == (4, saved.data)
    assert loaded.tensors.keys() == saved.tensors.keys()
    for name, value in saved.tensors.items():
        got = loaded.tensors[name]
        assert isinstance(got, torch.Tensor)
        assert np.array_equal(got.numpy(), np.asarray(value))
        assert got.numpy().dtype == np.asarray(value).dtype


def test_equal_snapshots_give_equal_files(store: TrainerStateStore, tmp_path: Path) -> None:
    other = TrainerStateStore(RunDir.at(tmp_path, "other").create())
    first, second = store.save(snapshot(1)), other.save(snapshot(1))
    for name in ("rank0.safetensors", "rank0.json", "manifest.json"):
        assert (first / name).read_bytes() == (second / name).read_bytes()


def test_the_newest_two_are_kept(store: TrainerStateStore) -> None:
    for epoch in (8, 9, 10, 11):
        store.save(snapshot(epoch))
    assert sorted(path.name for path in store.root.iterdir()) == ["v10", "v11"]
    assert store.newest_epoch() == 11


def test_states_of_an_abandoned_timeline_go_away(store: TrainerStateStore) -> None:
    store.save(snapshot(10))
    store.save(snapshot(20))
    store.save(snapshot(15))  # the run went back to 10 and is at 15 now
    assert sorted(path.name for path in store.root.iterdir()) == ["v10", "v15"]


@pytest.mark.parametrize("name", ["rank0.safetensors", "rank0.json", "manifest.json"])
@pytest.mark.parametrize("damage", ["flip", "truncate", "delete"])
def test_a_damaged_newest_state_falls_back_and_says_so(
    store: TrainerStateStore, name: str, damage: str, warnings: pytest.LogCaptureFixture
) -> None:
    store.save(snapshot(1))
    path = store.save(snapshot(2)) / name
    data = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    elif damage == "flip":
        data[len(data) // 2] ^= 0xFF
        path.write_bytes(data)
    else:
        path.write_bytes(data[: len(data) // 2])
    loaded = store.load_newest()
    assert loaded is not None
    assert loaded.epoch == 1
    said = " ".join(record.message for record in warnings.records)
    if (name, damage) == ("manifest.json", "delete"):  # as a killed save leaves it: nothing to worry about
        assert said == ""
    else:
        assert str(path.parent) in said
        assert "Going on from epoch 1 instead" in said


def test_only_damaged_states_are_an_error(store: TrainerStateStore) -> None:
    folder = store.save(snapshot(1))
    (folder / "rank0.json").write_bytes(b"{}")
    with pytest.raises(CheckpointError, match=r"no trainer state under .* can be used: .*rank0\.json has 2 bytes"):
        store.load_newest()


def test_newer_format_and_renamed_folder_are_told(store: TrainerStateStore) -> None:
    folder = store.save(snapshot(1))
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "format_version": 3}))
    with pytest.raises(CheckpointError, match="has format version 3, this Metta reads up to 2: a newer version"):
        store.load_newest()
    (folder / "manifest.json").write_text(json.dumps(manifest))
    folder.rename(folder.with_name("v7"))
    with pytest.raises(CheckpointError, match="was written for epoch 1; was the folder renamed"):
        store.load_newest()


def test_leftovers_of_a_killed_save_are_ignored_then_removed(store: TrainerStateStore) -> None:
    whole = store.save(snapshot(1))
    (whole / ".partial-x").write_bytes(b"half")
    unfinished = store.root / "v2"
    unfinished.mkdir()
    (unfinished / "rank0.safetensors").write_bytes(b"half")
    loaded = store.load_newest()
    assert loaded is not None
    assert loaded.epoch == 1
    store.remove_unfinished()
    assert [path.name for path in store.root.iterdir()] == ["v1"]
    assert sorted(path.name for path in whole.iterdir()) == ["manifest.json", "rank0.json", "rank0.safetensors"]


def test_a_failed_save_leaves_the_state_before(store: TrainerStateStore) -> None:
    store.save(snapshot(1))
    (store.root / "v2").write_text("in the way")
    with pytest.raises(CheckpointError, match=r"cannot save trainer state .*v2.*system\.data_dir"):
        store.save(snapshot(2))
    assert store.newest_epoch() == 1


def test_saving_an_epoch_again_replaces_it(store: TrainerStateStore) -> None:
    store.save(snapshot(1))
    changed = snapshot(1)
    changed.data = {"again": True}
    store.save(changed)
    loaded = store.load_newest()
    assert loaded is not None
    assert loaded.data == {"again": True}
