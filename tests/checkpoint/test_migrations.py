"""Formats of all versions load for ever, newer ones are refused in words."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch

from metta.checkpoint import artifact
from metta.checkpoint.artifact import load_artifact
from metta.checkpoint.manager import load_trained
from metta.checkpoint.migrations import POLICY_VERSION, STATE, STATE_VERSION, Data, Tensors, check_version, migrate
from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.errors import NewerVersionError
from metta.common.run_dir import RunDir

GOLDEN = Path(__file__).parents[1] / "golden" / "formats"


def test_every_released_version_has_golden_files() -> None:
    assert sorted(path.name for path in GOLDEN.glob("mpt-v*")) == [f"mpt-v{n + 1}" for n in range(POLICY_VERSION)]
    states = [f"trainer_state-v{n + 1}" for n in range(STATE_VERSION)]
    assert sorted(path.name for path in GOLDEN.glob("trainer_state-v*")) == states


@pytest.mark.parametrize(
    "path", sorted(GOLDEN.glob("mpt-v*/*.mpt")), ids=lambda path: f"{path.parent.name}/{path.name}"
)
def test_policies_of_all_versions_act(path: Path) -> None:
    policy = load_trained(str(path), None, "cpu")
    rows = policy.spec.num_agents
    dtype = torch.uint8 if policy.spec.obs_dtype == "uint8" else torch.float32
    policy.init_memory(rows)
    observations = torch.full((rows, *policy.spec.obs_shape), 255, dtype=torch.int64).to(dtype)
    td = policy.act({"env_obs": observations, "first": torch.ones(rows, dtype=torch.bool)}, greedy=True)
    assert torch.isfinite(td["values"]).all()
    assert td["action"].shape == (rows,)


@pytest.mark.parametrize("version", range(1, STATE_VERSION + 1))
def test_states_of_all_versions_load(version: int, run_dir: RunDir) -> None:
    shutil.copytree(GOLDEN / f"trainer_state-v{version}", run_dir.trainer_state, dirs_exist_ok=True)
    snapshot = TrainerStateStore(run_dir).load_newest()
    assert snapshot is not None
    assert snapshot.epoch == 2
    assert snapshot.data["counters"] == {"agent_step": 128, "env_step": 128, "epoch": 2}
    assert {"control", "schedules", "shared", "hooks"} <= set(snapshot.data)


def test_states_from_before_steering_are_migrated() -> None:
    before = {"counters": {"epoch": 1}}
    tensors, data = migrate(STATE, 1, STATE_VERSION, {"policy/x": torch.ones(1)}, before)
    assert data == {"control": None, "schedules": {}, "counters": {"epoch": 1}}
    assert list(tensors) == ["policy/x"]
    assert before == {"counters": {"epoch": 1}}, "the argument is not changed"


def test_older_policies_go_through_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if two versions had come since: a renamed weight, then a renamed key of the architecture."""

    def to_2(tensors: Tensors, data: Data) -> tuple[Tensors, Data]:
        return {name.replace("actor_trunk", "trunk"): value for name, value in tensors.items()}, data

    def to_3(tensors: Tensors, data: Data) -> tuple[Tensors, Data]:
        architecture = {"widths" if key == "hidden_sizes" else key: v for key, v in data["architecture"].items()}
        return tensors, {**data, "architecture": architecture}

    path = GOLDEN / "mpt-v1" / "corridor:v2.mpt"
    old_weights, old = load_artifact(path)
    monkeypatch.setattr(artifact, "POLICY_VERSION", 3)
    monkeypatch.setattr(artifact, "MIGRATIONS", {1: to_2, 2: to_3})
    weights, meta = load_artifact(path)
    assert "widths" in meta.architecture
    assert "hidden_sizes" in old.architecture
    assert meta.format_version == 3
    assert len(weights) == len(old_weights)
    assert "network.trunk.layers.0.weight" in weights


def test_a_newer_state_is_refused_though_an_older_one_is_there(run_dir: RunDir) -> None:
    """Going on from the older one would lose what the newer program did."""
    store = TrainerStateStore(run_dir)
    data = {"control": None, "schedules": {}}
    store.save(TrainerSnapshot(1, {}, data))
    manifest = store.save(TrainerSnapshot(2, {}, data)) / "manifest.json"
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format_version": STATE_VERSION + 1}))
    with pytest.raises(NewerVersionError, match=r"v2 has format version 3, .* a newer version wrote it. Update Metta"):
        store.load_newest()


@pytest.mark.parametrize("version", [0, -1, True, None, "1", 1.0, [1]])
def test_what_is_no_version_is_damage(version: object) -> None:
    with pytest.raises(ValueError, match="format version"):
        check_version(version, 2, "x")
