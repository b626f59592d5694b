"""What a user sees when the disk is full, a folder cannot be written, or a policy is broken: one clear line."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from metta.tracking.jsonl import read_jsonl


def test_a_full_disk_is_forgiven_twice_then_stops_the_run(start: Callable[..., Any]) -> None:
    """The process may write no file larger than 256 KiB: logs fit, policies do not."""
    process = start("policy_architecture.bag_width=64", prefix=("sh", "-c", 'ulimit -f 512; exec "$@"', "sh"))
    assert process.finish() == 1
    output = process.output
    assert output.count("Trying again at the next interval") >= 2
    assert "failed 3 times in a row, so the run stops" in output
    assert "File too large" in output
    assert "system.data_dir" in output
    assert "Traceback" not in output
    assert not list(process.root.glob("checkpoints/*"))


def test_a_place_that_cannot_be_written_is_told(start: Callable[..., Any], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    process = start(f"system.data_dir={tmp_path / 'file' / 'runs'}")
    assert process.finish() == 2
    assert "Set system.data_dir to a writable place" in process.output
    assert "Traceback" not in process.output


def test_not_a_number_exits_5_with_a_diagnosis(start: Callable[..., Any]) -> None:
    process = start("trainer.optimizer.learning_rate=1e38", "trainer.max_grad_norm=0")
    assert process.finish() == 5, process.output
    report = json.loads((process.root / "nan_diagnosis.json").read_text())
    assert report["epoch"] == 0
    assert any(weight["not_finite"] for weight in report["weights"].values())
    assert "trainer.optimizer.learning_rate=" in process.output
    assert "Traceback" not in process.output
    assert not list(process.root.glob("checkpoints/*.mpt"))


def test_a_network_that_no_machine_holds_names_the_key_and_a_size(start: Callable[..., Any]) -> None:
    process = start(
        policy=("policy_architecture=vit_small", "policy_architecture.latent_dim=1_000_000_000"),
        prefix=("sh", "-c", 'ulimit -v 8000000; exec "$@"', "sh"),
    )
    assert process.finish() == 1, process.output
    assert "out of memory while building the network" in process.output
    assert re.search(r"Set policy_architecture\.latent_dim from 1000000000 to \d+\.", process.output)
    assert "Traceback" not in process.output


def test_a_killed_worker_ends_the_training_at_once_and_costs_no_epoch(start: Callable[..., Any]) -> None:
    """PufferLib's own loop would wait for it for ever."""
    sizes = (
        "training_env.num_envs=4",
        "training_env.backend=multiprocessing",
        "training_env.num_workers=2",
        "trainer.batch_size=128",
        "trainer.minibatch_size=128",
        "trainer.total_timesteps=2048",
        "evaluator.epoch_interval=0",
        "system.torch_threads=1",
    )
    process = start(recipe="gym", sizes=sizes, policy=())
    process.wait_until(lambda: process.rows >= 2)
    workers = psutil.Process(process.child.pid).children(recursive=True)
    (first, *_) = (worker for worker in workers if "resource_tracker" not in " ".join(worker.cmdline()))
    first.kill()
    assert process.finish() == 1, process.output
    assert "worker" in process.output
    assert "-9" in process.output or "SIGKILL" in process.output
    gone, alive = psutil.wait_procs(workers, timeout=20)
    assert not alive
    assert len(gone) == len(workers)
    rows = process.rows
    again = start(recipe="gym", sizes=sizes, policy=())
    assert again.finish() == 0, again.output
    epochs = [row["epoch"] for row in read_jsonl(again.root / "metrics.jsonl")]
    assert epochs == list(range(1, 17))
    assert rows >= 2


def test_a_broken_initial_policy_is_refused(start: Callable[..., Any], undisturbed: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.mpt"
    shutil.copy(undisturbed / "checkpoints" / "demo:v20.mpt", broken)
    broken.write_bytes(broken.read_bytes()[:-10])
    process = start(f"initial_policy_uri={broken}")
    assert process.finish() == 1
    assert f"{broken} is damaged, truncated" in process.output
    assert "Traceback" not in process.output


def test_the_statistics_of_a_run_can_be_read(undisturbed: Path) -> None:
    rows = read_jsonl(undisturbed / "metrics.jsonl")
    assert [row["epoch"] for row in rows] == list(range(1, 21))
    assert rows[-1]["agent_step"] == 5120
    assert not any(
        key.startswith(("timing", "trainer_memory", "monitor", "metric/")) or key == "overview/sps"
        for row in rows
        for key in row
    )
    assert all(row["overview/sps"] > 0 for row in read_jsonl(undisturbed / "timing.jsonl"))
