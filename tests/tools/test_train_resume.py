from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest
from pydantic import Field

from metta.common.config import Config
from metta.common.errors import CheckpointError, ConfigError
from metta.common.run_dir import RunDir, check_run_name
from metta.common.yaml_file import dump_yaml
from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.tools.resolved import resolved_tree
from metta.tools.train import TrainTool
from metta.tools.train_resume import check_policies, check_same_run, default_run_name, note_machine


class _System(Config):
    seed: int = 0
    torch_threads: int = 0
    data_dir: str = "a"


class _Trainer(Config):
    total_timesteps: int = 1000
    gamma: float = 0.99
    rules: dict[str, bool] = Field(default_factory=lambda: {"not_a_number": True})


class _Tool(Config):
    run: str = "demo"
    system: _System = _System()
    trainer: _Trainer = _Trainer()
    checkpointer: dict[str, int] = Field(default_factory=lambda: {"epoch_interval": 10})
    evaluator: dict[str, int] = Field(default_factory=dict[str, int])
    metrics: dict[str, int] = Field(default_factory=dict[str, int])
    wandb: dict[str, str] = Field(default_factory=lambda: {"mode": "off"})
    training_phases: dict[str, dict[str, float]] = Field(default_factory=dict[str, dict[str, float]])
    control_log: str | None = None


OLD = _Tool()


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    run_dir = RunDir.at(tmp_path, "demo").create()
    run_dir.config_path.write_text(dump_yaml(resolved_tree(OLD)))
    return run_dir


def test_the_same_settings_go_on(run_dir: RunDir) -> None:
    check_same_run(run_dir, OLD)


def test_longer_runs_logging_and_intervals_are_taken(run_dir: RunDir) -> None:
    changes = {
        "system.torch_threads": 2,
        "system.data_dir": "b",
        "trainer.total_timesteps": 2000,
        "checkpointer": {"epoch_interval": 3},
        "evaluator": {"epoch_interval": 5},
        "metrics": {"interval": 5},
        "wandb": {"mode": "offline"},
    }
    check_same_run(run_dir, OLD.replace(changes))


def test_anything_else_is_refused_with_keys_and_both_values(run_dir: RunDir) -> None:
    changes = {"system.seed": 1, "trainer.total_timesteps": 500, "trainer.gamma": 0.9}
    with pytest.raises(ConfigError) as caught:
        check_same_run(run_dir, OLD.replace(changes))
    text = str(caught.value)
    assert caught.value.exit_code == 2
    for line in (
        "system.seed: the run has 0, the command asks for 1",
        "trainer.total_timesteps: the run has 1000, the command asks for 500",
        "trainer.gamma: the run has 0.99, the command asks for 0.9",
    ):
        assert line in text
    assert "torch_threads" not in text


def test_keys_that_an_older_version_did_not_know_count_as_their_defaults(run_dir: RunDir) -> None:
    """A run from before training control goes on; only a new key that is set to something makes it another run."""
    saved = resolved_tree(OLD)
    del saved["training_phases"], saved["control_log"], saved["trainer"]["rules"]
    run_dir.config_path.write_text(dump_yaml(saved))
    check_same_run(run_dir, OLD)
    check_same_run(run_dir, OLD.replace({"trainer.total_timesteps": 2000}))
    with pytest.raises(ConfigError) as caught:
        check_same_run(run_dir, OLD.replace({"training_phases": {"warmup": {"lr": 0.1}}, "trainer.gamma": 0.9}))
    assert "training_phases.warmup.lr: the run has None, the command asks for 0.1" in str(caught.value)
    assert "trainer.gamma: the run has 0.99" in str(caught.value)
    assert "rules" not in str(caught.value)
    assert "control_log" not in str(caught.value)


def test_a_key_that_went_away_is_named(run_dir: RunDir) -> None:
    run_dir.config_path.write_text(dump_yaml({**resolved_tree(OLD), "momentum": 0.9}))
    with pytest.raises(ConfigError, match=r"momentum: the run has 0\.9, the command asks for None"):
        check_same_run(run_dir, OLD)


def test_a_missing_config_is_told(
    run_dir: RunDir, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    run_dir.config_path.unlink()
    check_same_run(run_dir, OLD)
    assert "config.yaml is missing" in caplog.text


def test_another_machine_is_told_and_recorded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    path = tmp_path / "machine.json"
    note_machine(path, {"torch_threads": 1, "device": "cpu"})
    note_machine(path, {"torch_threads": 1, "device": "cpu"})
    assert caplog.text == ""
    note_machine(path, {"torch_threads": 2, "device": "cpu"})
    assert "had torch_threads=1, now it is 2" in caplog.text
    assert "bits may differ" in caplog.text
    assert json.loads(path.read_text()) == {"torch_threads": 2, "device": "cpu"}
    path.write_text("{torn")
    note_machine(path, {"torch_threads": 2})


@pytest.mark.parametrize("user", ["ada", "ada lovelace", "dom\\user", ""])
def test_the_default_name_is_a_run_name(user: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("getpass.getuser", lambda: user)
    name = default_run_name() if user else "local.x.20260101.000000"
    assert re.fullmatch(r"local\.[\w-]+\.\d{8}\.\d{6}", name)
    assert check_run_name(name) == name


def test_a_run_that_goes_on_is_not_asked_for_its_first_policy(tmp_path: Path) -> None:
    tool = TrainTool(training_env=VecEnvConfig(env=make_arena(2)), run="demo").replace(
        {"system.data_dir": str(tmp_path), "initial_policy_uri": "gone"}
    )
    with pytest.raises(CheckpointError, match="initial_policy_uri=gone: No policy at"):
        check_policies(tool)
    state = RunDir.at(tmp_path, "demo").trainer_state / "v4"
    state.mkdir(parents=True)
    (state / "manifest.json").touch()
    check_policies(tool)
