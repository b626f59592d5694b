#!/usr/bin/env python3
"""The whole check: formatting, lints, types, layers, spelling, C++ tests, pytest. CI runs exactly this.

./tools/test.py                     everything
./tools/test.py lint types          these stages
./tools/test.py tests/cli -k help   pytest only, with its own arguments
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from bootstrap import PYTHON, ROOT, VENV, BootstrapError, ensure_ready

_BIN = os.path.join(VENV, "bin")
_SKIPPED = "skipped"
_NO_DOCTEST = "doctest is missing and this is not root. Install it: apt install doctest-dev"


def main(arguments: list[str]) -> int:
    """Run the stages one after another, all of them even when one fails; pytest is the last."""
    try:
        ensure_ready(extras=("test",))
    except BootstrapError as error:
        print(f"Error: {error}", file=sys.stderr)
        return 1
    os.chdir(ROOT)
    names = [name for name in arguments if name in STAGES] if all(name in STAGES for name in arguments) else []
    chosen = names or (list(STAGES) if not arguments else ["pytest"])
    pytest_arguments = [] if names else arguments
    failed: list[str] = []
    for name in chosen:
        if name == "pytest":
            return max(_pytest(pytest_arguments, failed), 1 if failed else 0)
        if not _run_stage(name):
            failed.append(name)
    if failed:
        print(f"\nFailed: {', '.join(failed)}", flush=True)
    return 1 if failed else 0


def _run_stage(name: str) -> bool:
    print(f"{name:<13} ", end="", flush=True)
    began = time.monotonic()
    outcome = STAGES[name]()
    seconds = f"{time.monotonic() - began:6.1f} s"
    if isinstance(outcome, str):
        print(f"{_SKIPPED}: {outcome}", flush=True)
        return True
    print(f"{'ok    ' if outcome.returncode == 0 else 'FAILED'} {seconds}", flush=True)
    if outcome.returncode != 0:
        print(_indented(outcome.stdout + outcome.stderr), flush=True)
    return outcome.returncode == 0


def _pytest(arguments: list[str], failed: list[str]) -> int:
    """pytest writes to the terminal itself, its closing line last; tests/conftest.py names ``failed`` above it."""
    print("pytest", flush=True)
    environment = {**os.environ, "METTA_FAILED_STAGES": ",".join(failed)}
    if not arguments:  # a worker a core, a file to one worker: what a file's tests share is made once
        arguments = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"]
    return subprocess.run([PYTHON, "-m", "pytest", *arguments], env=environment, check=False).returncode


def _tool(*command: str) -> Callable[[], subprocess.CompletedProcess[str]]:
    return lambda: _quiet([os.path.join(_BIN, command[0]), *command[1:]])


def _quiet(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False)


def _clang_format() -> subprocess.CompletedProcess[str]:
    sources = [str(path) for path in sorted(Path("cpp").rglob("*")) if path.suffix in (".h", ".cpp")]
    return _quiet([os.path.join(_BIN, "clang-format"), "--dry-run", "--Werror", *sources])


def _cpp() -> subprocess.CompletedProcess[str] | str:
    """Build and run the C++ tests under the address and undefined-behaviour sanitizers."""
    if not _has_doctest():
        return _NO_DOCTEST
    done = _build_tests()
    ctest = [os.path.join(_BIN, "ctest"), "--test-dir", _build_folder("cpp-tests")]
    return _quiet([*ctest, "--output-on-failure", "--no-tests=error"]) if done.returncode == 0 else done


def _tsan() -> subprocess.CompletedProcess[str] | str:
    """Build the C++ tests that use threads under the thread sanitizer, and run them."""
    if not _has_doctest():
        return _NO_DOCTEST
    done = _build("cpp-tsan", "thread", "-DMETTA_TESTS=ON", target="thread_tests")
    tests = os.path.join(_build_folder("cpp-tsan"), "cpp", "tests", "thread_tests")
    return _quiet([tests]) if done.returncode == 0 else done


def _fuzz() -> subprocess.CompletedProcess[str]:
    """Half a minute of fuzzing with a fixed seed; longer: benchmarks/trials/fuzz_engine.py."""
    done = _build_tests()
    folder = _build_folder("cpp-tests")
    fuzz = [os.path.join(folder, "cpp", "fuzz", "fuzz_engine"), "--corpus", "cpp/fuzz/corpus", "--artifacts", folder]
    return _quiet([*fuzz, "--seconds", "30", "--seed", "1"]) if done.returncode == 0 else done


def _build_tests() -> subprocess.CompletedProcess[str]:
    """One tree for tests and fuzzer: the engine is compiled once under these sanitizers."""
    tests = "ON" if _has_doctest() else "OFF"
    return _build("cpp-tests", "address,undefined", f"-DMETTA_TESTS={tests}", "-DMETTA_FUZZ=ON")


def _build_folder(name: str) -> str:
    return os.path.join(ROOT, "build", name)


def _build(name: str, sanitize: str, *options: str, target: str = "all") -> subprocess.CompletedProcess[str]:
    cmake, ninja = os.path.join(_BIN, "cmake"), os.path.join(_BIN, "ninja")
    configure = [cmake, "-S", ".", "-B", _build_folder(name), "-G", "Ninja", f"-DCMAKE_MAKE_PROGRAM={ninja}"]
    configure += ["-DMETTA_PYTHON=OFF", f"-DMETTA_SANITIZE={sanitize}", "-DCMAKE_BUILD_TYPE=RelWithDebInfo", *options]
    done = _quiet(configure)
    return _quiet([cmake, "--build", _build_folder(name), "--target", target]) if done.returncode == 0 else done


def _has_doctest() -> bool:
    """Whether the header is there; root on Debian may fetch it."""
    if _finds_doctest():
        return True
    if os.geteuid() == 0 and shutil.which("apt-get"):
        for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "doctest-dev"]):
            subprocess.run(command, capture_output=True, check=False)
        return _finds_doctest()
    return False


def _finds_doctest() -> bool:
    compiler = os.environ.get("CXX") or next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), "c++")
    probe = "#include <doctest/doctest.h>\n"
    command = [compiler, "-x", "c++", "-fsyntax-only", "-"]
    return subprocess.run(command, input=probe, capture_output=True, text=True, check=False).returncode == 0


def _indented(text: str) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines())


STAGES: dict[str, Callable[[], subprocess.CompletedProcess[str] | str]] = {
    "format": _tool("ruff", "format", "--check"),
    "lint": _tool("ruff", "check"),
    "clang-format": _clang_format,
    "types": _tool("basedpyright"),
    "imports": _tool("lint-imports", "--no-cache"),
    "spelling": _tool("codespell"),
    "cpp": _cpp,
    "tsan": _tsan,
    "fuzz": _fuzz,
    "pytest": lambda: _quiet([]),  # the last stage, run by _pytest: its output is not captured
}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
