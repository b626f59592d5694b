"""No file is ever unpickled and no text is ever run: neither policies nor configs can carry code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from metta.common.errors import ConfigError
from metta.common.yaml_file import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
FORBIDDEN_MODULES = frozenset(
    {"pickle", "_pickle", "cPickle", "cloudpickle", "dill", "joblib", "shelve", "marshal", "jsonpickle", "hydra.utils"}
)
FORBIDDEN_CALLS = frozenset(
    {"torch.load", "torch.save", "numpy.load", "np.load", "yaml.load", "yaml.unsafe_load", "eval", "exec"}
)
SAFE = {
    ("metta/common/yaml_file.py", "yaml.load"),
    ("metta/mettagrid/maps/grid_files.py", "np.load"),
    ("metta/agent/executors/compiled.py", "exec"),
}
"""With its own safe loader, tested below; with ``allow_pickle=False``, tested with the maps' files; of lines that the
executor writes itself, in which names and keys stand as literals, tested with hostile ones."""
SOURCES = sorted(path for folder in ("metta", "tools", "recipes") for path in (ROOT / folder).rglob("*.py"))


def test_nothing_unpickles_or_evaluates() -> None:
    assert len(SOURCES) > 100
    found = {
        (path.relative_to(ROOT).as_posix(), what) for path in SOURCES for what in dangers(ast.parse(path.read_text()))
    }
    assert found == SAFE


def test_yaml_is_read_by_a_loader_that_makes_only_plain_data() -> None:
    with pytest.raises(ConfigError):
        parse_yaml("a: !!python/object/apply:os.getcwd []", "text")


@pytest.mark.parametrize(
    "code",
    [
        "import pickle",
        "from pickle import loads",
        "import joblib.memory",
        "import torch\ntorch.load(path)",
        "from torch import load",
        "import hydra\nhydra.utils.instantiate(config)",
        "from hydra.utils import instantiate",
        "eval(text)",
        "numpy.load(path, allow_pickle=True)",
    ],
)
def test_the_check_sees(code: str) -> None:
    assert list(dangers(ast.parse(code)))


@pytest.mark.parametrize("code", ["import safetensors.torch\nsafetensors.torch.load(data)", "policy.eval()"])
def test_the_check_lets_pass(code: str) -> None:
    assert list(dangers(ast.parse(code))) == []


def dangers(tree: ast.Module) -> Iterator[str]:
    """Name of each forbidden import or call."""
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Attribute | ast.Name):
            names = [dotted(node)]
        yield from filter(is_forbidden, names)


def is_forbidden(name: str) -> bool:
    parts = name.split(".")
    prefixes = {".".join(parts[:count]) for count in range(1, len(parts) + 1)}
    return name in FORBIDDEN_CALLS or bool(prefixes & FORBIDDEN_MODULES)


def dotted(node: ast.expr) -> str:
    """``a.b.c`` of a chain of attributes; empty for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""
