"""tools/bootstrap.py, tools/install.py and tools/run.py: what the set-up notices, and what it says."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """The part of a clone that the set-up reads, without an environment."""
    for name in ("pyproject.toml", "CMakeLists.txt"):
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / "tools", tmp_path / "tools", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "cpp" / "src").mkdir(parents=True)
    (tmp_path / "cpp" / "src" / "core.cpp").write_text("int x;\n")
    return tmp_path


@pytest.fixture
def bootstrap(clone: Path) -> ModuleType:
    """``tools/bootstrap.py`` of the clone."""
    spec = importlib.util.spec_from_file_location("clone_bootstrap", clone / "tools" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(clone: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(clone / "tools" / "run.py"), *arguments],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **environment},
        check=False,
    )


def pretend_ready(clone: Path, bootstrap: Any) -> None:
    """A stamp as the set-up writes it, and a Python that tells what it was started with."""
    python = Path(bootstrap.PYTHON)
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    python.chmod(0o755)
    bootstrap.write_stamp({"stat": bootstrap.stat_digest(), "extras": ["test"]})


def test_a_ready_clone_hands_over_at_once(clone: Path, bootstrap: ModuleType) -> None:
    pretend_ready(clone, bootstrap)
    done = run(clone, "train", "arena", "run=x y")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["-P", "-m", "metta.cli.main", "train", "arena", "run=x y"]
    assert done.stderr == ""


@pytest.mark.parametrize("changed", ["pyproject.toml", "CMakeLists.txt", "cpp/src/core.cpp", "cpp/src/new.cpp"])
def test_a_changed_source_is_noticed(clone: Path, bootstrap: ModuleType, changed: str) -> None:
    before = bootstrap.stat_digest()
    with (clone / changed).open("a") as file:
        file.write("\n")
    assert bootstrap.stat_digest() != before


def test_python_sources_need_no_rebuild(clone: Path, bootstrap: ModuleType) -> None:
    before = bootstrap.stat_digest()
    (clone / "metta").mkdir()
    (clone / "metta" / "new.py").write_text("x = 1\n")
    assert bootstrap.stat_digest() == before


def test_a_damaged_stamp_counts_as_none(clone: Path, bootstrap: ModuleType) -> None:
    pretend_ready(clone, bootstrap)
    Path(bootstrap.STAMP).write_text("{")
    assert bootstrap._read_stamp() == {}


def test_missing_extras_are_noticed(bootstrap: ModuleType, clone: Path) -> None:
    pretend_ready(clone, bootstrap)
    stamp = json.loads(Path(bootstrap.STAMP).read_text())
    assert bootstrap._is_current(stamp, ("test",), bootstrap.stat_digest())
    assert not bootstrap._is_current(stamp, ("docs",), bootstrap.stat_digest())


def test_a_missing_compiler_is_one_sentence_with_the_package(clone: Path) -> None:
    done = run(clone, "--list", CXX="no-such-compiler")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("Error: A C++20 compiler is missing (CXX=no-such-compiler). Install")
    assert "Traceback" not in done.stderr
    assert not (clone / ".venv").exists()


def test_an_old_compiler_is_told(clone: Path) -> None:
    old = clone / "old-compiler"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = run(clone, "--list", CXX=str(old))
    assert done.returncode == 1
    assert "knows no C++20" in done.stderr


def test_other_ranks_wait_for_the_first(clone: Path, bootstrap: ModuleType) -> None:
    pretend_ready(clone, bootstrap)
    done = run(clone, "train", LOCAL_RANK="1")
    assert done.returncode == 0
    assert "Setting Metta up" not in done.stderr
