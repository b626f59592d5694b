"""Names, paths and owners of runs."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from metta.common.errors import ConfigError, ExitCode, RunOwnedError
from metta.common.run_dir import RunDir, RunLock, check_run_name


@pytest.mark.parametrize("name", ["demo", "1e5", "null", "local.me.20260101.120000", "a-b_c.d", "ä"])
def test_good_names(name: str) -> None:
    assert check_run_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a/b",
        "a\\b",
        "a:b",
        "a*",
        "a?",
        'a"b',
        "<a>",
        "a|b",
        "..",
        "a..b",
        "-a",
        "~a",
        ".a",
        "a\n",
        "x" * 129,
    ],
)
def test_bad_names_are_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="run="):
        check_run_name(name)


def test_paths(tmp_path: Path) -> None:
    run_dir = RunDir.at(tmp_path, "demo")
    assert not run_dir.root.exists()
    assert run_dir.root == tmp_path / "demo"
    assert run_dir.config_path == tmp_path / "demo" / "config.yaml"
    assert run_dir.create().checkpoints.is_dir()


def test_unwritable_place_names_the_key(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match=r"system\.data_dir"):
        RunDir.at(tmp_path / "file", "demo").create()


def test_second_owner_is_told_who_has_it(tmp_path: Path) -> None:
    run_dir = RunDir.at(tmp_path, "demo").create()
    with (
        RunLock(run_dir),
        pytest.raises(RunOwnedError, match=f"pid {os.getpid()} on host {socket.gethostname()}") as caught,
    ):
        RunLock(run_dir).__enter__()
    assert caught.value.exit_code == ExitCode.OWNED
    with RunLock(run_dir):
        pass  # free again


def test_killed_owner_leaves_the_run_free(tmp_path: Path) -> None:
    run_dir = RunDir.at(tmp_path, "demo").create()
    program = (
        "import sys, time\n"
        "from metta.common.run_dir import RunDir, RunLock\n"
        "with RunLock(RunDir.at(sys.argv[1], 'demo')):\n"
        "    print('owned', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        assert owner.stdout.readline() == "owned\n"
        with pytest.raises(RunOwnedError, match=f"pid {owner.pid} "):
            RunLock(run_dir).__enter__()
        owner.send_signal(signal.SIGKILL)
    with RunLock(run_dir):
        pass
