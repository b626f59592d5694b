"""What the pages promise is done: every ```bash block is run, in order within its page. (```sh: needs a person.)"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_RUN_SHIM = """\
#!{python}
import os, sys
sys.path.insert(0, {here!r})
from documented_command import shrunk
os.environ["METTA_PROGRAM"] = "./tools/run.py"
os.execv(sys.executable, [sys.executable, "-P", "-m", "metta.cli.main", *shrunk(sys.argv[1:])])
"""
_TEST_SHIM = "#!/bin/sh\n# The real one runs this very test.\n"


def blocks(page: Path, language: str) -> list[str]:
    """Contents of the fenced blocks of ``language``."""
    found: list[list[str]] = []
    fence = ""
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            fence = "" if fence else line
            if fence == f"```{language}":
                found.append([])
        elif fence == f"```{language}":
            found[-1].append(line)
    assert not fence, f"{page}: a fence is not closed"
    return ["\n".join(lines) + "\n" for lines in found]


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A folder that looks like a clone: ``tools/*.py`` are stand-ins, everything else that commands name is ours."""
    (tmp_path / "tools").mkdir()
    shims = {
        "run.py": _RUN_SHIM.format(python=sys.executable, here=str(Path(__file__).parent)),
        "test.py": _TEST_SHIM,
    }
    for file, text in shims.items():
        (tmp_path / "tools" / file).write_text(text)
        (tmp_path / "tools" / file).chmod(0o755)
    for entry in ROOT.iterdir():
        if entry.name in ("benchmarks", "configs", "docs", "recipes", "tests"):
            (tmp_path / entry.name).symlink_to(entry)
    return tmp_path


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page, "bash")], ids=name)
def test_commands_of_a_page_work(page: Path, clone: Path) -> None:
    environment = {
        **os.environ,
        "NO_COLOR": "1",
        "WANDB_MODE": "disabled",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    for block in blocks(page, "bash"):
        done = subprocess.run(
            ["bash", "-exuo", "pipefail", "-c", block],
            cwd=clone,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.returncode == 0, f"{block}\n{done.stdout[-2000:]}\n{done.stderr[-4000:]}"
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("script", ["run.py", "test.py"])
def test_documented_scripts_can_be_started(script: str) -> None:
    path = ROOT / "tools" / script
    assert path.read_text().startswith("#!/usr/bin/env python3\n")
    assert os.access(path, os.X_OK)
