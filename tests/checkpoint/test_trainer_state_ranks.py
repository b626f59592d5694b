"""metta/checkpoint/trainer_state.py with several ranks: shards, one manifest, what another number of ranks reads."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from metta.checkpoint.trainer_state import TrainerSnapshot, TrainerStateStore
from metta.common.run_dir import RunDir
from metta.rl.distributed import Ranks
from tests.rl.ranks import run_ranks


def snapshot(epoch: int, rank: int) -> TrainerSnapshot:
    tensors = {
        "policy/weight": torch.full((2,), float(epoch)),
        "optimizer/0/step": torch.tensor(float(epoch)),
        "env/world": torch.tensor([rank]),
        "rng/actions": torch.tensor([rank, epoch]),
    }
    return TrainerSnapshot(epoch, tensors, {"counters": {"epoch": epoch}, "hooks": {"of": rank}})


def as_text(loaded: TrainerSnapshot | None) -> Any:
    assert loaded is not None
    tensors = {name: torch.as_tensor(value).tolist() for name, value in sorted(loaded.tensors.items())}
    return [loaded.epoch, loaded.world_size, tensors, dict(loaded.data)]


def test_each_rank_reads_what_it_wrote_and_the_weights_of_rank_zero(run_dir: RunDir) -> None:
    def work(world: Ranks) -> Any:
        store = TrainerStateStore(run_dir, world)
        store.save(snapshot(3, world.rank))
        return as_text(store.load_newest())

    for rank, told in enumerate(run_ranks(work)):
        tensors = {
            "env/world": [rank],
            "optimizer/0/step": 3.0,
            "policy/weight": [3.0, 3.0],
            "rng/actions": [rank, 3],
        }
        assert told == [3, 2, tensors, {"counters": {"epoch": 3}, "hooks": {"of": rank}}]
    folder = run_dir.trainer_state / "v3"
    files = json.loads((folder / "manifest.json").read_bytes())["files"]
    assert sorted(files) == [f"rank{rank}.{suffix}" for rank in (0, 1) for suffix in ("json", "safetensors")]
    assert (folder / "rank1.safetensors").stat().st_size < (folder / "rank0.safetensors").stat().st_size
    alone = as_text(TrainerStateStore(run_dir).load_newest())  # another number of ranks: all from rank 0
    assert alone[1:3] == [
        2,
        {"env/world": [0], "optimizer/0/step": 3.0, "policy/weight": [3.0] * 2, "rng/actions": [0, 3]},
    ]


def test_a_part_that_is_damaged_sends_all_ranks_to_the_state_before(run_dir: RunDir) -> None:
    def work(world: Ranks) -> Any:
        store = TrainerStateStore(run_dir, world)
        for epoch in (1, 2):
            store.save(snapshot(epoch, world.rank))
        if world.rank == 1:
            (store.root / "v2" / "rank1.json").write_text("{}")
        world.barrier("damaged")
        return as_text(store.load_newest())[0]

    assert run_ranks(work) == [1, 1]


def test_a_save_that_fails_on_one_rank_fails_on_all_and_leaves_no_manifest(run_dir: RunDir) -> None:
    def work(world: Ranks) -> Any:
        store = TrainerStateStore(run_dir, world)
        store.save(snapshot(1, world.rank))
        if world.rank == 1:
            (store.root / "v2" / "rank1.json" / "x").mkdir(parents=True)  # in the way
        world.barrier("ready")
        store.save(snapshot(2, world.rank))

    first, second = run_ranks(work)
    assert first == second
    assert first.startswith("CheckpointError: cannot save trainer state ")
    assert "v2 (rank 1): Is a directory." in first
    assert not (run_dir.trainer_state / "v2" / "manifest.json").exists()
    assert newest(run_dir.root) == 1


def newest(root: Path) -> int | None:
    return TrainerStateStore(RunDir(root, "demo")).newest_epoch()
