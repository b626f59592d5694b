"""metta/tools/launcher.py: ranks start again when that may help, signals and exit codes get through."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from metta.common.errors import ExitCode

LAUNCH = """
import sys
from metta.tools.launcher import launch
sys.exit(launch([sys.executable, "-c", sys.argv[1]], 2, 2, tell=lambda text: print(text, flush=True)))
"""


def start(tmp_path: Path, code: str) -> subprocess.Popen[str]:
    """A launcher of two ranks that run ``code``."""
    return subprocess.Popen(
        [sys.executable, "-c", LAUNCH, code], cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def test_ranks_start_again_after_a_death_and_end_after_an_error(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time\n"
        "attempt, rank = os.environ['TORCHELASTIC_RESTART_COUNT'], os.environ['RANK']\n"
        "open(f'seen-{attempt}-{rank}', 'w').write(os.environ['OMP_NUM_THREADS'])\n"
        "while attempt == '0' and rank == '1' and not os.path.exists('seen-0-0'): time.sleep(0.01)\n"
        "if attempt == '0' and rank == '1': os.kill(os.getpid(), signal.SIGKILL)\n"
        "if attempt == '1' and rank == '0': sys.exit(5)\n"
        "time.sleep(60)\n"
    )
    process = start(tmp_path, code)
    output, _ = process.communicate(timeout=200)
    assert process.returncode == 5, output
    assert output == "rank 1 died of SIGKILL; all 2 ranks start again from the newest saved state (restart 1 of 2)\n"
    assert sorted(path.name for path in tmp_path.glob("seen-*"))[:2] == ["seen-0-0", "seen-0-1"]
    assert not (tmp_path / "seen-2-0").exists()


def test_a_signal_goes_on_to_the_ranks_and_none_is_left(tmp_path: Path) -> None:
    code = (
        "import os, signal, sys, time\n"
        "rank = os.environ['RANK']\n"
        "signal.signal(signal.SIGUSR1, lambda *_: open(f'usr1-{rank}', 'w').close())\n"
        "def leave(*_): open(f'term-{rank}', 'w').close(); time.sleep(0.2); sys.exit(143)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "open(f'pid-{rank}.new', 'w').write(str(os.getpid()))\n"
        "os.rename(f'pid-{rank}.new', f'pid-{rank}')\n"
        "while True: time.sleep(0.01)\n"
    )
    process = start(tmp_path, code)
    wait_for(tmp_path, "pid-0", "pid-1")
    process.send_signal(signal.SIGUSR1)
    wait_for(tmp_path, "usr1-0", "usr1-1")
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=100)
    assert process.returncode == ExitCode.SIGTERM, output
    assert output == ""
    wait_for(tmp_path, "term-0", "term-1")
    for rank in range(2):
        with pytest.raises(ProcessLookupError):
            os.kill(int((tmp_path / f"pid-{rank}").read_text()), 0)


def wait_for(folder: Path, *names: str) -> None:
    end = time.monotonic() + 100
    while not all((folder / name).exists() for name in names):
        assert time.monotonic() < end, f"waited in vain for {names}; there are {sorted(folder.iterdir())}"
        time.sleep(0.01)
