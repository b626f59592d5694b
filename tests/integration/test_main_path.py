"""The main path through the real command line: train, evaluate, replay, go on."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from metta.mettagrid.replay.reader import ReplayPlayer, read_replay

CODE = "import sys; from metta.cli.main import main; sys.exit(main(sys.argv[1:]))"
BATCH = 4 * 4 * 16  # agents x environments x horizon
SMALL = (
    "num_agents=4",
    "training_env.num_envs=4",
    "training_env.env.game.max_steps=60",
    "trainer.bptt_horizon=16",
    f"trainer.batch_size={BATCH}",
    f"trainer.minibatch_size={BATCH}",
    "checkpointer.epoch_interval=4",
    "evaluator.epoch_interval=0",
    "system.torch_threads=1",
    "system.device=cpu",
)


def metta(*arguments: str) -> str:
    """Run a command as a user would; returns what it printed."""
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that was trained for 12 epochs."""
    place = tmp_path_factory.mktemp("train_dir")
    metta("train", "arena", "run=demo", f"trainer.total_timesteps={12 * BATCH}", f"system.data_dir={place}", *SMALL)
    return place


def rows(path: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_training_leaves_a_policy_and_a_row_an_epoch(data_dir: Path) -> None:
    run = data_dir / "demo"
    assert (run / "checkpoints" / "demo:v12.mpt").is_file()
    assert [row["epoch"] for row in rows(run / "metrics.jsonl")] == list(range(1, 13))
    assert (run / "config.yaml").is_file()


def test_the_policy_is_evaluated(data_dir: Path) -> None:
    text = metta(
        "evaluate",
        "arena",
        "num_agents=4",
        "num_episodes=2",
        "simulations.0.env.game.max_steps=50",
        "simulations.1.env.game.max_steps=50",
        f"policy_uris=[file://{data_dir}/demo/checkpoints,mock://random]",
        f"system.data_dir={data_dir}",
    )
    assert "demo:v12" in text
    folder = data_dir / "demo" / "evaluations" / "arena-v12"
    policies = json.loads((folder / "scorecard.json").read_text())["policies"]
    assert list(policies) == [f"file://{data_dir}/demo/checkpoints/demo:v12.mpt", "mock://random"]
    for simulations in policies.values():
        assert set(simulations) == {"arena/basic", "arena/combat"}
        for metrics in simulations.values():
            for metric in ("reward", "heart.gained"):
                assert set(metrics[metric]) == {"mean", "low", "high", "n"}
                assert metrics[metric]["low"] <= metrics[metric]["mean"] <= metrics[metric]["high"]
                assert metrics[metric]["n"] == 2
    assert (folder / "stats.duckdb").is_file()


def test_the_policy_is_replayed(data_dir: Path) -> None:
    text = metta(
        "replay",
        "arena",
        "num_agents=4",
        "max_steps=60",
        f"policy_uri=file://{data_dir}/demo/checkpoints",
        f"system.data_dir={data_dir}",
    )
    assert "step 60/1000" in text
    (path,) = (data_dir / "demo" / "replays").iterdir()
    replay = read_replay(path)
    assert replay.header.policy == f"file://{data_dir}/demo/checkpoints/demo:v12.mpt"
    player = ReplayPlayer(replay)
    player.verify()
    player.close()


def test_a_policy_of_another_game_is_refused(data_dir: Path) -> None:
    arguments = ["evaluate", "gym", f"policy_uris=file://{data_dir}/demo/checkpoints", f"system.data_dir={data_dir}"]
    done = subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "was trained on 'arena'" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_run_goes_on_where_it_was(data_dir: Path) -> None:
    """The same run with a longer training, then once more when there is nothing left to do."""
    longer = f"trainer.total_timesteps={16 * BATCH}"
    metrics = data_dir / "demo" / "metrics.jsonl"
    before = rows(metrics)
    resumed = metta("train", "arena", "run=demo", longer, f"system.data_dir={data_dir}", *SMALL)
    assert "epoch 12" in resumed
    assert rows(metrics)[:12] == before
    assert [row["epoch"] for row in rows(metrics)] == list(range(1, 17))
    assert (data_dir / "demo" / "checkpoints" / "demo:v16.mpt").is_file()
    finished = metta("train", "arena", "run=demo", longer, f"system.data_dir={data_dir}", *SMALL)
    assert "is finished" in finished
