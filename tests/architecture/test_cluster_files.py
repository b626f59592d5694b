"""docs/cluster/*: scripts that no test can run whole are read: syntax, options that exist, keys that the tool knows."""

from __future__ import annotations

import os
import re
import stat
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from torch.distributed.run import get_args_parser

from metta.mettagrid.builder.envs import make_arena
from metta.mettagrid.vec_env_config import VecEnvConfig
from metta.tools.train import TrainTool

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "cluster"
SLURM, SKYPILOT = FOLDER / "slurm.sbatch", FOLDER / "skypilot.yaml"
SLURM_OPTIONS = {
    *("job-name", "nodes", "ntasks-per-node", "gpus-per-node", "cpus-per-task", "time", "signal", "requeue"),
    *("open-mode", "output"),
}
SKYPILOT_KEYS = {"name", "num_nodes", "resources", "workdir", "envs", "setup", "run"}


def script(path: Path) -> str:
    """The shell text of both: of SkyPilot's, what it runs."""
    return path.read_text() if path == SLURM else yaml.safe_load(path.read_text())["run"]


@pytest.mark.parametrize("path", [SLURM, SKYPILOT], ids=lambda path: path.name)
def test_the_shell_reads_it(path: Path) -> None:
    done = subprocess.run(["bash", "-n"], input=script(path), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("path", [SLURM, SKYPILOT], ids=lambda path: path.name)
def test_torchrun_knows_its_options_and_the_tool_its_keys(path: Path) -> None:
    text = script(path).replace("\\\n", " ")
    (line,) = [line for line in text.splitlines() if "torch.distributed.run" in line]
    options, _, command = line.partition("torch.distributed.run")[2].partition("tools/run.py")
    known = get_args_parser()._option_string_actions  # argparse has no public list
    assert len(found := re.findall(r"--[\w-]+", options)) >= 5
    assert [option for option in found if option not in known] == []
    assert command.split()[0] == "train"
    tool = TrainTool(training_env=VecEnvConfig(env=make_arena(2)))
    for key in re.findall(r"\b([a-z_][a-z_.]*)=", command):
        value: Any = tool
        for part in key.split("."):
            value = getattr(value, part)
    assert "export TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1" in text


def test_slurm_knows_what_is_asked_for() -> None:
    asked = re.findall(r"^#SBATCH --([\w-]+)", SLURM.read_text(), flags=re.MULTILINE)
    assert set(asked) == SLURM_OPTIONS


def test_skypilot_knows_what_is_asked_for() -> None:
    task = yaml.safe_load(SKYPILOT.read_text())
    assert set(task) == SKYPILOT_KEYS
    assert all(isinstance(value, str) for value in task["envs"].values())
    variables = set(re.findall(r"\$\{?([A-Z_]+)", task["run"]))
    assert {name for name in variables if not name.startswith("SKYPILOT_")} <= set(task["envs"])


def run_slurm(folder: Path, srun: str, tools: str, meanwhile: str) -> tuple[int, list[str]]:
    """Run the script with stand-ins for srun, the tools and scontrol, and do ``meanwhile`` to its process ``$job``; its
    exit code and what was called.
    """
    names = "".join(f"echo node{number}; " for number in range(1, 65))  # as many writes as there are nodes
    stand_ins = {"srun": srun, "tools/run.py": tools, "scontrol": f'echo "scontrol $*" >>calls; {names}'}
    for name, text in stand_ins.items():
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    slurm = {
        "JOB_NODELIST": "node[1-64]",
        "GPUS_ON_NODE": "8",
        "CPUS_PER_TASK": "64",
        "JOB_NUM_NODES": "64",
        "JOB_ID": "7",
    }
    environment = {f"SLURM_{name}": value for name, value in slurm.items()}
    environment |= {"SLURM_SUBMIT_DIR": str(folder), "PATH": f"{folder}:{os.environ['PATH']}"}
    command = ["bash", "-c", f'bash "$0" arena run=big & job=$!; {meanwhile}; wait $job', str(SLURM)]
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.stderr == ""
    return done.returncode, (folder / "calls").read_text().splitlines()


_WHEN_READY = "until [ -e ready ]; do sleep 0.02; kill -0 $job || exit; done; kill -USR1 $job"


def test_slurm_s_script_starts_and_puts_the_job_back_into_the_queue(tmp_path: Path) -> None:
    """SIGUSR1 ends the step, then the job is requeued."""
    srun = 'echo "srun $*" >>calls; trap "echo ended >>calls; exit 143" TERM; touch ready\nwhile :; do sleep 0.05; done'
    code, calls = run_slurm(tmp_path, srun, "exit 0", _WHEN_READY)
    assert code != 0
    assert calls[0] == "scontrol show hostnames node[1-64]"
    assert "--nnodes=64 --nproc-per-node=8" in calls[1]
    assert "--rdzv-endpoint=node1:29500 tools/run.py train arena run=big" in calls[1]
    assert calls[2:] == ["ended", "scontrol requeue 7"]


def test_slurm_s_signal_before_the_step_is_heard(tmp_path: Path) -> None:
    """While the environment is made: the step is ended as soon as it is there."""
    code, calls = run_slurm(tmp_path, "exec sleep 200", "touch ready; sleep 0.5", _WHEN_READY)
    assert code != 0
    assert calls == ["scontrol show hostnames node[1-64]", "scontrol requeue 7"]


def test_slurm_s_script_ends_with_the_step(tmp_path: Path) -> None:
    code, calls = run_slurm(tmp_path, "exit 3", "exit 0", ":")
    assert (code, calls) == (3, ["scontrol show hostnames node[1-64]"])
