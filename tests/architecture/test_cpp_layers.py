"""Who may include whom in C++: core < config < maps < objects < actions | systems | observe < env < bindings."""

from __future__ import annotations

import re
from pathlib import Path

CPP = Path(__file__).resolve().parents[2] / "cpp"
SUFFIXES = {".h", ".cpp"}
ALLOWED = {
    "core": {"core"},
    "config": {"core", "config"},
    "maps": {"core", "config", "maps"},
    "objects": {"core", "config", "maps", "objects"},
    "actions": {"core", "config", "objects", "actions"},
    "systems": {"core", "config", "objects", "systems"},
    "observe": {"core", "config", "objects", "observe"},
    "env": {"core", "config", "objects", "actions", "systems", "observe", "env"},
}
INCLUDE = re.compile(r'^#include [<"]([^>"]+)[>"]', re.MULTILINE)


def sources(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.suffix in SUFFIXES)


def test_engine_layers() -> None:
    faults: list[str] = []
    for root in (CPP / "include" / "mettagrid", CPP / "src" / "mettagrid"):
        for path in sources(root):
            layer = path.relative_to(root).parts[0]
            for include in INCLUDE.findall(path.read_text(encoding="utf-8")):
                parts = include.split("/")
                if parts[0] == "mettagrid" and parts[1] not in ALLOWED[layer]:
                    faults.append(f"{path.relative_to(CPP)} ({layer}) includes {include}")
    assert faults == []


def test_only_bindings_know_python() -> None:
    known = ("pybind11", "Python.h")
    faults = [
        f"{path.relative_to(CPP)} includes {include}"
        for path in sources(CPP)
        if path.relative_to(CPP).parts[0] != "bindings"
        for include in INCLUDE.findall(path.read_text(encoding="utf-8"))
        if include.startswith(known)
    ]
    assert faults == []


def test_engine_and_kernels_are_independent() -> None:
    faults = [
        f"{path.relative_to(CPP)} includes {include}"
        for side, other in (("mettagrid", "learn"), ("learn", "mettagrid"))
        for root in (CPP / "include" / side, CPP / "src" / side)
        for path in sources(root)
        for include in INCLUDE.findall(path.read_text(encoding="utf-8"))
        if include.startswith(f"{other}/")
    ]
    assert faults == []
