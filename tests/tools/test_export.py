"""export: what the command line says and writes."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file

from metta.agent.policy import build_policy
from metta.agent.policy_config import MlpConfig
from metta.checkpoint.manager import CheckpointManager
from metta.cli.main import main
from metta.common.run_dir import RunDir
from metta.envs.env_config import make_env
from metta.envs.gym_env_config import GymEnvConfig


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    env = make_env(GymEnvConfig(env_id="CartPole-v1", num_envs=2), 1)
    env.close()
    run_dir = RunDir.at(tmp_path, "demo").create()
    CheckpointManager(run_dir).save_policy(build_policy(MlpConfig(hidden_sizes=(4,)), env.spec, seed=1), 3, 96)
    return run_dir


def test_the_latest_policy_of_a_folder(run_dir: RunDir, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", f"policy_uri=file://{run_dir.root}/checkpoints", "formats=[safetensors]"]) == 0
    path = run_dir.root / "exports" / "v3" / "weights.safetensors"
    assert str(path) in capsys.readouterr().out
    assert set(load_file(path)) == {
        f"{name}.{kind}"
        for name in ("actor_trunk.layers.0", "critic_trunk.layers.0", "actor.linear", "critic.linear")
        for kind in ("weight", "bias")
    }


def test_graphs_are_checked_and_go_where_asked(
    run_dir: RunDir, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    uri = f"policy_uri=file://{run_dir.root}/checkpoints/demo:v3.mpt"
    assert main(["export", uri, "formats=[torch_export]", f"output_dir={tmp_path}/out"]) == 0
    assert "differs by at most" in capsys.readouterr().out
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["export.json", "network.pt2"]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "which policy?"),
        (("policy_uri=mock://random",), "scripted policy without weights"),
        (("policy_uri=file:///nowhere/demo:v1.mpt",), "nowhere"),
        (("policy_uri=mock://random", "formats=[onxx]"), "onnx"),
        (("policy_uri=mock://random", "formats=[]"), "formats"),
    ],
)
def test_faults_are_named(words: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", *words]) in (1, 2)
    assert message in capsys.readouterr().err
