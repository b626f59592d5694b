"""Limits on the size of files and functions. What is larger stands here by name until it shrinks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMITS = {
    "metta/**/*.py": 400,
    "tools/*.py": 400,
    "benchmarks/**/*.py": 400,
    "tests/**/*.py": 400,
    "recipes/**/*.py": 150,
    "cpp/**/*.h": 200,
    "cpp/**/*.cpp": 350,
}
FUNCTION_LIMIT = 40

LARGE_FILES: frozenset[str] = frozenset()
LARGE_FUNCTIONS = frozenset(
    {
        "metta/rl/advantage.py: compute_gae",
        "metta/rl/trainer.py: Trainer.__init__",
        "metta/rl/update.py: update",
    }
)


def test_files_are_small() -> None:
    large = {
        path.relative_to(ROOT).as_posix(): f"{lines} lines, limit {limit}"
        for pattern, limit in LIMITS.items()
        for path in ROOT.glob(pattern)
        if (lines := path.read_bytes().count(b"\n")) > limit
    }
    assert_listed(large, LARGE_FILES)


def test_functions_are_small() -> None:
    large = {
        f"{path.relative_to(ROOT).as_posix()}: {name}": f"{lines} lines, limit {FUNCTION_LIMIT}"
        for path in ROOT.glob("metta/**/*.py")
        for name, lines in functions(ast.parse(path.read_text()))
        if lines > FUNCTION_LIMIT
    }
    assert_listed(large, LARGE_FUNCTIONS)


def test_packages_run_nothing_when_imported() -> None:
    inits = [path for package in ("metta", "recipes") for path in ROOT.glob(f"{package}/**/__init__.py")]
    assert inits
    assert [str(path) for path in inits if path.read_text().strip()] == []


def assert_listed(large: dict[str, str], exceptions: frozenset[str]) -> None:
    news = {name: size for name, size in large.items() if name not in exceptions}
    assert not news, f"too large, split by subject: {news}"
    assert not exceptions - large.keys(), f"small by now, remove from the list: {sorted(exceptions - large.keys())}"


def functions(tree: ast.AST, prefix: str = "") -> Iterator[tuple[str, int]]:
    """Qualified name and number of lines of every function, nested ones too."""
    for node in ast.iter_child_nodes(tree):
        name = f"{prefix}{getattr(node, 'name', '')}"
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno is not None
            yield name, node.end_lineno - node.lineno + 1
        inner = f"{name}." if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else prefix
        yield from functions(node, inner)
