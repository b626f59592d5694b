"""TrainTool in this process: what it writes, what it says, what it refuses. Kills and signals: tests/integration."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metta.checkpoint.artifact import load_artifact
from metta.common.errors import CheckpointError, ConfigError
from metta.common.log import setup_logging
from metta.common.yaml_file import dump_yaml
from metta.envs.gym_env_config import GymEnvConfig
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.sim.evaluator_config import EvaluatorConfig
from metta.sim.simulation_config import SimulationConfig
from metta.tools.resolved import load_resolved, resolved_tree
from metta.tools.train import TrainTool
from metta.tracking.jsonl import read_jsonl

SIZES = {
    "trainer.total_timesteps": 512,
    "trainer.batch_size": 128,
    "trainer.minibatch_size": 64,
    "trainer.bptt_horizon": 16,
    "trainer.update_epochs": 3,
    "system.torch_threads": 1,
    "checkpointer.epoch_interval": 2,
}
"""Four epochs."""


@pytest.fixture(autouse=True)
def own_logging(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(logging, "raiseExceptions", logging.raiseExceptions)
    logger = logging.getLogger("metta")
    before = list(logger.handlers), logger.propagate
    yield
    setup_logging()
    logger.handlers[:], logger.propagate = before


@pytest.fixture
def tool(tmp_path: Path) -> Callable[..., TrainTool]:
    """``tool(**changes)``: two agents in four small arenas, ``run=demo`` in this test's folder."""

    def make(changes: dict[str, Any] | None = None) -> TrainTool:
        game = make_arena(2).replace({"game.max_steps": 20})
        base = TrainTool(
            run="demo",
            training_env=VecEnvConfig(env=game, num_envs=4, num_threads=1),
            evaluator=EvaluatorConfig(simulations=(SimulationConfig(suite="arena", name="tiny", env=game),)),
        )
        return base.replace(SIZES | {"system.data_dir": str(tmp_path)} | (changes or {}))

    return make


def test_a_run_leaves_everything_that_the_docs_name(
    tool: Callable[..., TrainTool], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train = tool({"evaluator.epoch_interval": 2, "evaluator.num_episodes": 2})
    assert train.invoke() == 0
    root = tmp_path / "demo"
    names = {path.name for path in root.iterdir()}
    assert {"config.yaml", "checkpoints", "trainer_state", "metrics.jsonl", "timing.jsonl", "run.log"} <= names
    assert load_resolved(root / "config.yaml") == resolved_tree(train)
    assert TrainTool.model_validate(load_resolved(root / "config.yaml")) == train
    _, meta = load_artifact(root / "checkpoints" / "demo:v4.mpt")
    assert (meta.epoch, meta.agent_step, meta.architecture["type"]) == (4, 512, "bag")
    rows = read_jsonl(root / "metrics.jsonl")
    assert [("evaluator/arena/tiny/reward" in row) for row in rows] == [False, True, False, True]
    assert "overview/reward" in rows[-1]
    assert json.loads((root / "machine.json").read_text())["torch_threads"] == 1
    said = capsys.readouterr().out
    assert "Starting run=demo" in said
    assert "512/512 agent-steps" in said
    assert f"Policy: file://{root}/checkpoints/demo:v4.mpt" in said
    assert "\x1b" not in said


def test_a_finished_run_says_so_and_a_longer_one_goes_on(
    tool: Callable[..., TrainTool], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert tool().invoke() == 0
    before = (tmp_path / "demo" / "metrics.jsonl").read_bytes()
    capsys.readouterr()
    assert tool().invoke() == 0
    assert "run=demo is finished: 512 of 512 agent-steps, epoch 4." in capsys.readouterr().out
    last = tmp_path / "demo" / "checkpoints" / "demo:v4.mpt"
    policy = last.read_bytes()
    last.unlink()  # as if a full disk had kept it from being written
    assert tool().invoke() == 0
    assert last.read_bytes() == policy
    assert (tmp_path / "demo" / "metrics.jsonl").read_bytes() == before
    capsys.readouterr()
    assert tool({"trainer.total_timesteps": 768}).invoke() == 0
    assert "Resuming run=demo from epoch 4, agent step 512 of 768" in capsys.readouterr().out
    after = (tmp_path / "demo" / "metrics.jsonl").read_bytes()
    assert after.startswith(before)
    assert [row["epoch"] for row in read_jsonl(tmp_path / "demo" / "metrics.jsonl")] == [1, 2, 3, 4, 5, 6]


def test_a_run_from_before_training_control_goes_on(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    assert tool().invoke() == 0
    path = tmp_path / "demo" / "config.yaml"
    saved = load_resolved(path)
    del saved["training_phases"], saved["control_log"], saved["trainer"]["rules"]
    path.write_text(dump_yaml(saved))
    assert tool({"trainer.total_timesteps": 640}).invoke() == 0
    assert load_resolved(path)["training_phases"] == {}
    with pytest.raises(ConfigError, match=r"training_phases\.only"):
        tool({"trainer.total_timesteps": 768, "training_phases": {"only": {"frozen_components": ["bag"]}}}).invoke()


def test_wandb_gets_the_rows_of_control(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    phases = {"only": {"frozen_components": ["bag"], "component_lr": {"actor": 1e-4}}}
    changes = {"wandb.mode": "offline", "training_phases": phases, "trainer.total_timesteps": 128}
    assert tool(changes).invoke() == 0
    (row,) = read_jsonl(tmp_path / "demo" / "metrics.jsonl")
    rows = [name for name in row if name.startswith("control/")]
    assert {"control/bag/frozen", "control/actor/lr", "control/phase"} <= set(rows)
    (file,) = tmp_path.rglob("offline-run-*/run-demo.wandb")
    data = file.read_bytes()
    assert [name for name in rows if name.encode() not in data] == []


def test_another_seed_is_another_run(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    assert tool().invoke() == 0
    config = (tmp_path / "demo" / "config.yaml").read_bytes()
    with pytest.raises(ConfigError, match=r"system\.seed: the run has 0, the command asks for 1"):
        tool({"system.seed": 1, "trainer.total_timesteps": 1024}).invoke()
    assert (tmp_path / "demo" / "config.yaml").read_bytes() == config


def test_two_runs_with_one_seed_are_equal_files(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    assert tool().invoke() == 0
    assert tool({"run": "twin"}).invoke() == 0
    for version in (2, 4):
        first, second = (tmp_path / run / "checkpoints" / f"{run}:v{version}.mpt" for run in ("demo", "twin"))
        assert first.read_bytes() == second.read_bytes()
    assert (tmp_path / "demo" / "metrics.jsonl").read_bytes() == (tmp_path / "twin" / "metrics.jsonl").read_bytes()


def test_training_can_start_from_a_policy(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    assert tool({"policy_architecture": {"type": "bag", "bag_width": 8, "hidden_sizes": [8]}}).invoke() == 0
    folder = str(tmp_path / "demo" / "checkpoints")
    assert tool({"run": "next", "initial_policy_uri": folder}).invoke() == 0
    _, meta = load_artifact(tmp_path / "next" / "checkpoints" / "next:v4.mpt")
    assert meta.architecture["bag_width"] == 8
    with pytest.raises(ConfigError, match=r"policy_architecture asks for .* Drop one of the two"):
        tool({"run": "third", "initial_policy_uri": folder, "policy_architecture": {"type": "bag_lstm"}}).invoke()
    with pytest.raises(CheckpointError, match="scripted policy without weights"):
        tool({"run": "fourth", "initial_policy_uri": "mock://random"}).invoke()


def test_a_run_without_a_name_gets_one(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    assert tool({"run": None}).invoke() == 0
    (root,) = tmp_path.iterdir()
    assert root.name.startswith("local.")
    assert load_resolved(root / "config.yaml")["run"] == root.name


def test_gym_environments_train_too(tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    train = tool().replace(
        {"training_env": GymEnvConfig(env_id="CartPole-v1", num_envs=4), "evaluator": EvaluatorConfig()}
    )
    assert train.invoke() == 0
    _, meta = load_artifact(tmp_path / "demo" / "checkpoints" / "demo:v4.mpt")
    assert meta.architecture["type"] == "mlp"


@pytest.mark.parametrize("run", ["", "a b", "../x", "a:v3"])
def test_impossible_names_are_refused(run: str) -> None:
    with pytest.raises(ValueError, match="run"):
        TrainTool(run=run, training_env=GymEnvConfig(env_id="CartPole-v1"))


def test_the_module_knows_no_torch() -> None:
    code = "import sys, metta.tools.train as t; t.TrainTool; sys.exit('torch' in sys.modules or 'numpy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_training_needs_next_step_reset() -> None:
    with pytest.raises(ValueError, match=r"Set training_env.autoreset=next_step"):
        TrainTool(training_env=VecEnvConfig(env=make_arena(6), autoreset="same_step"))


@pytest.mark.parametrize(
    ("network", "executor"),
    [
        ("actor_critic", "compiled"),
        ("tokens_attention", "memory"),
        ("cnn_lstm", "sequential"),
        ("roles", "parallel"),
        ("populations", "compiled"),
    ],
)
def test_networks_from_yaml_train(network: str, executor: str, tool: Callable[..., TrainTool], tmp_path: Path) -> None:
    architecture = {"type": "network", "network": network, "executor": executor}
    assert tool({"policy_architecture": architecture, "trainer.total_timesteps": 128}).invoke() == 0
    saved, meta = load_artifact(tmp_path / "demo" / "checkpoints" / "demo:v1.mpt")
    names = {component["name"] for component in meta.architecture["network"]["components"]}
    assert {name.split(".")[1] for name in saved} <= names
    assert meta.architecture["executor"] == executor
