from __future__ import annotations

import json
import logging
import re
from pathlib import Path

import pytest

from metta.common.errors import ConfigError
from metta.common.run_dir import RunDir, check_run_name
from metta.common.yaml_file import dump_yaml
from metta.tools.train_resume import check_same_run, default_run_name, note_machine

OLD = {
    "run": "demo",
    "system": {"seed": 0, "torch_threads": 0, "data_dir": "a"},
    "trainer": {"total_timesteps": 1000, "gamma": 0.99},
    "checkpointer": {"epoch_interval": 10},
    "wandb": {"mode": "off"},
}


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    run_dir = RunDir.at(tmp_path, "demo").create()
    run_dir.config_path.write_text(dump_yaml(OLD))
    return run_dir


def test_the_same_settings_go_on(run_dir: RunDir) -> None:
    check_same_run(run_dir, OLD)


def test_longer_runs_logging_and_intervals_are_taken(run_dir: RunDir) -> None:
    changes = {
        "system": {"seed": 0, "torch_threads": 2, "data_dir": "b"},
        "trainer": {"total_timesteps": 2000, "gamma": 0.99},
        "checkpointer": {"epoch_interval": 3},
        "evaluator": {"epoch_interval": 5},
        "wandb": {"mode": "offline"},
    }
    check_same_run(run_dir, {**OLD, **changes})


def test_anything_else_is_refused_with_keys_and_both_values(run_dir: RunDir) -> None:
    changes = {"system": {"seed": 1, "data_dir": "a"}, "trainer": {"total_timesteps": 500, "gamma": 0.9}}
    with pytest.raises(ConfigError) as caught:
        check_same_run(run_dir, {**OLD, **changes})
    text = str(caught.value)
    assert caught.value.exit_code == 2
    for line in (
        "system.seed: the run has 0, the command asks for 1",
        "trainer.total_timesteps: the run has 1000, the command asks for 500",
        "trainer.gamma: the run has 0.99, the command asks for 0.9",
    ):
        assert line in text
    assert "torch_threads" not in text


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
