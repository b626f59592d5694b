"""The slow part of the set-up: virtual environment, torch, dependencies, C++ core. Standard library only."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import bootstrap
from bootstrap import BootstrapError

_CXX_PROBE = "#include <bit>\n#include <span>\n#include <concepts>\nint main() { return std::popcount(1u) - 1; }\n"
_LOG_LINES_SHOWN = 40


@contextlib.contextmanager
def locked(path: str) -> Iterator[None]:
    """Hold the set-up's lock; says so when another process has it. The kernel frees it when its holder dies."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Another process is setting Metta up; waiting for it ...")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def say(text: str) -> None:
    """To stderr: stdout belongs to the command that follows."""
    print(text, file=sys.stderr, flush=True)


class Installer:
    """Brings ``.venv`` from whatever it is to what the sources ask for."""

    def __init__(self, stamp: dict[str, object], extras: tuple[str, ...]) -> None:
        with open(os.path.join(bootstrap.ROOT, "pyproject.toml"), "rb") as file:
            self.project: dict[str, Any] = tomllib.load(file)
        self.stamp = stamp
        have = stamp.get("extras")
        self.extras = sorted({*extras, *(have if isinstance(have, list) else [])})
        self.began = time.monotonic()

    def bring_up_to_date(self) -> None:
        """Do what is needed, and only that.

        Raises:
            BootstrapError: something is missing; the sentence names the package.
        """
        stat = bootstrap.stat_digest()  # before reading: a file that changes meanwhile is built again next time
        content, dependencies = self._content_digest(), self._dependency_digest()
        whole = os.path.exists(bootstrap.PYTHON) and not os.path.exists(bootstrap.UNFINISHED)
        installed = whole and self.stamp.get("dependencies") == dependencies
        if not (installed and self.stamp.get("content") == content):
            self._check_compiler()
            if not installed:
                self._install_dependencies()
            self._build_core(
                "Building the C++ core" if not installed else "Sources changed: building the C++ core again"
            )
            self._warm()
            say(f"Ready after {time.monotonic() - self.began:.0f} s.")
        bootstrap.write_stamp({"stat": stat, "content": content, "dependencies": dependencies, "extras": self.extras})

    def _install_dependencies(self) -> None:
        say(f"Setting Metta up in {bootstrap.VENV}; this happens once and takes a few minutes.")
        self._make_venv()
        Path(bootstrap.UNFINISHED).touch()
        build = self.project["build-system"]["requires"]
        needs = list(self.project["project"]["dependencies"])
        for extra in self.extras:
            needs += self.project["project"]["optional-dependencies"][extra]
        self._install_torch(next(need for need in needs if need.startswith("torch==")))
        self._pip(["install", *build, *needs], f"Installing {len(build) + len(needs)} dependencies")
        os.remove(bootstrap.UNFINISHED)

    def _make_venv(self) -> None:
        if os.path.exists(bootstrap.UNFINISHED):
            # pip may have died with a package half copied, which it would take for installed.
            say("The last set-up was interrupted: starting it over (downloads are kept).")
            shutil.rmtree(bootstrap.VENV)
        if os.path.exists(bootstrap.VENV):
            if _runs([bootstrap.PYTHON, "-m", "pip", "--version"]):
                return
            shutil.rmtree(bootstrap.VENV)  # its Python was removed or replaced
        with stage("Making the virtual environment"):
            done = subprocess.run(
                [sys.executable, "-m", "venv", bootstrap.VENV], capture_output=True, text=True, check=False
            )
        if done.returncode != 0:
            shutil.rmtree(bootstrap.VENV, ignore_errors=True)
            raise BootstrapError(_venv_fault(done.stdout + done.stderr))

    def _install_torch(self, requirement: str) -> None:
        """The CPU build where no NVIDIA GPU is and an index offers it: a tenth of the download. Else the usual one.

        Which indexes pip asks is pip's own affair (``PIP_EXTRA_INDEX_URL``, ``pip config``).
        """
        attempts: list[tuple[list[str], str]] = [([requirement], f"Installing {requirement}")]
        if sys.platform == "linux" and not has_nvidia_gpu():
            attempts.insert(0, ([f"{requirement}+cpu"], f"Installing {requirement} (CPU build)"))
        for number, (arguments, text) in enumerate(attempts, start=1):
            last = number == len(attempts)
            if self._pip(["install", *arguments], text, must_work=last):
                return

    def _build_core(self, text: str) -> None:
        self._pip(["install", "--no-build-isolation", "--no-deps", "--quiet", "-e", bootstrap.ROOT], text, logged=True)

    def _warm(self) -> None:
        """Compile and fill caches, so that the first answer is as fast as the tenth. It may fail."""
        with stage("Preparing help"):
            subprocess.run([bootstrap.PYTHON, "-P", "-m", "metta.cli.warm"], capture_output=True, check=False)

    def _pip(self, arguments: list[str], text: str, *, must_work: bool = True, logged: bool = False) -> bool:
        command = [bootstrap.PYTHON, "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments]
        live = sys.stderr.isatty() and not logged
        if not live:
            command += ["--quiet", "--progress-bar", "off"]
        with stage(text):
            # pip's progress goes to its stdout; ours stays clean for the command that follows.
            done = subprocess.run(
                command,
                stdout=sys.stderr if live else subprocess.PIPE,
                stderr=subprocess.PIPE if not logged else subprocess.STDOUT,
                text=True,
                check=False,
            )
        if done.returncode == 0:
            return True
        if must_work:
            raise BootstrapError(_pip_fault(text, (done.stdout or "") + (done.stderr or "")))
        return False

    def _check_compiler(self) -> None:
        name = os.environ.get("CXX", "")
        compiler = (
            shutil.which(name) if name else next(filter(None, map(shutil.which, ("c++", "g++", "clang++"))), None)
        )
        if compiler is None:
            raise BootstrapError(
                f"A C++20 compiler is missing{f' (CXX={name})' if name else ''}. Install {package_of('g++')}."
            )
        probe = [compiler, "-std=c++20", "-x", "c++", "-fsyntax-only", "-"]
        done = subprocess.run(probe, input=_CXX_PROBE, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BootstrapError(f"{compiler} knows no C++20 (GCC 11 or Clang 14 do). Install {package_of('g++')}.")

    def _dependency_digest(self) -> str:
        project = self.project["project"]
        extras = [project["optional-dependencies"][extra] for extra in self.extras]
        parts = [self.project["build-system"]["requires"], project["dependencies"], extras]
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _content_digest(self) -> str:
        digest = hashlib.sha256()
        for path in bootstrap.source_paths():
            data = Path(path).read_bytes()
            digest.update(f"{os.path.relpath(path, bootstrap.ROOT)} {len(data)}\n".encode() + data)
        return digest.hexdigest()


@contextlib.contextmanager
def stage(text: str) -> Iterator[None]:
    """One line for a step, with its time when it is over."""
    began = time.monotonic()
    live = sys.stderr.isatty()
    print(f"  {text} ...", end="\n" if live else " ", file=sys.stderr, flush=True)
    try:
        yield
    finally:
        seconds = f"{time.monotonic() - began:.0f} s"
        say(f"  {text}: {seconds}" if live else seconds)


def _runs(command: list[str]) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def has_nvidia_gpu() -> bool:
    """Whether the NVIDIA driver is loaded."""
    return os.path.exists("/proc/driver/nvidia/version") or shutil.which("nvidia-smi") is not None


def package_of(name: str) -> str:
    """How to get ``name`` here."""
    if sys.platform == "darwin":
        return "the Xcode command line tools: xcode-select --install"
    if shutil.which("apt-get"):
        return f"it: apt install {name}"
    if shutil.which("dnf"):
        return f"it: dnf install {'gcc-c++' if name == 'g++' else name}"
    return f"the package {name}"


def _venv_fault(output: str) -> str:
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    if "ensurepip" in output or "No module named venv" in output:
        return f"Python's venv module is missing. Install {package_of(f'{version}-venv')}."
    return f"Cannot make {bootstrap.VENV}: {output.strip()}"


def _pip_fault(text: str, output: str) -> str:
    log = os.path.join(bootstrap.ROOT, "build", "bootstrap.log")
    Path(log).write_text(output, encoding="utf-8")
    lines = output.strip().splitlines()
    if any("Python.h" in line for line in lines):
        headers = f"python{sys.version_info[0]}.{sys.version_info[1]}-dev"
        return f"Python's C headers are missing. Install {package_of(headers)}."
    shown = "\n".join(f"  {line}" for line in lines[-_LOG_LINES_SHOWN:])
    return f"{text} failed (all of it: {log}):\n{shown}"
