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


def test_slurm_s_script_starts_and_puts_the_job_back_into_the_queue(tmp_path: Path) -> None:
    """Run with stand-ins for srun, scontrol and the tools: SIGUSR1 ends the step, then the job is requeued."""
    stand_ins = {
        "srun": 'echo "srun $*" >>calls\ntrap "echo ended >>calls; exit 143" TERM\ntouch ready\n'
        "while :; do sleep 0.05; done",
        "scontrol": 'echo "scontrol $*" >>calls; echo node1; echo node2',
        "tools/run.py": "exit 0",
    }
    for name, text in stand_ins.items():
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"#!/bin/bash\n{text}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
    slurm = {
        "JOB_NODELIST": "node[1-2]",
        "GPUS_ON_NODE": "8",
        "CPUS_PER_TASK": "64",
        "JOB_NUM_NODES": "2",
        "JOB_ID": "7",
    }
    environment = {f"SLURM_{name}": value for name, value in slurm.items()}
    environment |= {"SLURM_SUBMIT_DIR": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    waits = "until [ -e ready ] || ! kill -0 $job; do sleep 0.02; done"
    starts = f'bash "$0" arena run=big & job=$!; {waits}; kill -USR1 $job; wait $job'
    done = subprocess.run(
        ["bash", "-c", starts, str(SLURM)], cwd=tmp_path, env=environment, capture_output=True, timeout=240, check=False
    )
    assert done.returncode != 0
    calls = (tmp_path / "calls").read_text().splitlines()
    assert calls[0] == "scontrol show hostnames node[1-2]"
    assert "--nnodes=2 --nproc-per-node=8" in calls[1]
    assert "--rdzv-endpoint=node1:29500 tools/run.py train arena run=big" in calls[1]
    assert calls[2:] == ["ended", "scontrol requeue 7"]
