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


def test_of_two_that_start_at_once_one_owns_the_run(tmp_path: Path) -> None:
    """A hundred races: the winner holds on until both have tried."""
    for race in range(100):
        run_dir = RunDir.at(tmp_path, f"race{race}")
        begin, tried = os.pipe(), os.pipe()
        children = [_racer(run_dir, begin, tried) for _ in range(2)]
        os.close(begin[1])  # both wait for this end
        os.close(begin[0])
        os.close(tried[1])
        codes = sorted(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children)
        os.close(tried[0])
        assert codes == [0, 3]


def _racer(run_dir: RunDir, begin: tuple[int, int], tried: tuple[int, int]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        os.close(begin[1])
        os.read(begin[0], 1)  # returns when nobody holds the other end any more
        with RunLock(run_dir):
            os.close(tried[1])
            os.read(tried[0], 1)  # the other one has tried
            code = 0
    except RunOwnedError:
        code = 3
    finally:
        os._exit(code)
