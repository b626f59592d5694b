"""Links, paths, flags and imports that the pages name exist."""

from __future__ import annotations

import ast
import importlib
import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from metta.cli.main import main
from metta.cli.request import parse_request

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
FOLDERS = ("benchmarks", "configs", "cpp", "docs", "metta", "recipes", "tests", "tools")
FILES = frozenset(
    "/" + path.relative_to(ROOT).as_posix() for folder in FOLDERS for path in (ROOT / folder).rglob("*.*")
) | frozenset(f"/{path.name}" for path in ROOT.iterdir())

LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
CODE = re.compile(r"`([^`\n]+)`")
SOURCE_PATH = re.compile(r"(?<![\w<>/.*-])(?:\./)?((?:[\w-]+/)+[\w.-]+\.(?:py|pyi|h|cpp|md))\b")
FOLDER_PATH = re.compile(rf"(?:{'|'.join(FOLDERS)})(?:/[\w.-]+)*/?")
FUNCTION = re.compile(r"((?:\w+/)*\w+\.py): ((?:\w+\.)*(\w+))")
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z-]*")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def python_blocks(page: Path) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    local = [link.partition("#") for link in LINK.findall(page.read_text()) if "://" not in link]
    assert [target for target, _, _ in local if target and not (page.parent / target).exists()] == []
    anchors = [(page.parent / target if target else page, anchor) for target, _, anchor in local if anchor]
    assert [anchor for file, anchor in anchors if anchor not in headings(file)] == []


def headings(page: Path) -> set[str]:
    """Anchors of a page, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_functions_exist(page: Path) -> None:
    """``rl/trainer.py: Trainer.commit`` in code: some file of that ending defines what the last word says."""
    named = [match for code in CODE.findall(page.read_text()) for match in FUNCTION.findall(code)]
    missing = []
    for file, function, last in named:
        texts = [Path(f"{ROOT}{path}").read_text() for path in FILES if path.endswith(f"/{file}")]
        if not any(re.search(rf"^\s*(?:def|class) {last}\b", text, re.MULTILINE) for text in texts):
            missing.append(f"{file}: {function}")
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_named_files_and_folders_exist(page: Path) -> None:
    """A file may be named by the end of its path, as in ``rl/trainer.py``."""
    text = page.read_text()
    places = {code.rstrip("/") for code in CODE.findall(text) if FOLDER_PATH.fullmatch(code)}
    named = places | set(SOURCE_PATH.findall(text))
    assert sorted(path for path in named if not (ROOT / path).exists() and not is_end_of_a_path(path)) == []


def is_end_of_a_path(path: str) -> bool:
    return any(known.endswith(f"/{path}") for known in FILES)


OTHERS_COMMANDS = (".venv/bin/torchrun ", "sbatch ", "sky ")


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_flags_exist(page: Path) -> None:
    """A flag belongs to the script that its line names, else to the command line."""
    unknown = [
        flag for line in page.read_text().splitlines() for flag in FLAG.findall(line) if not flag_exists(flag, line)
    ]
    assert unknown == []


def flag_exists(flag: str, line: str) -> bool:
    if line.startswith(OTHERS_COMMANDS):  # their flags: tests/architecture/test_cluster_files.py
        return True
    scripts = [ROOT / path for path in SOURCE_PATH.findall(line) if (ROOT / path).exists()]
    return any(f'"{flag}"' in script.read_text() for script in (*scripts, ROOT / "metta/cli/request.py"))


@pytest.mark.parametrize("page", [page for page in PAGES if python_blocks(page)], ids=name)
def test_imports_of_snippets_work(page: Path) -> None:
    for block in python_blocks(page):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom):
                module = importlib.import_module(str(node.module))
                assert [alias.name for alias in node.names if not hasattr(module, alias.name)] == []


def interactive_commands() -> Iterator[list[str]]:
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            for line in block.replace("\\\n", "").splitlines():
                if line.startswith("./tools/run.py "):
                    yield shlex.split(line, comments=True)[1:]


@pytest.mark.parametrize("arguments", list(interactive_commands()), ids=" ".join)
def test_interactive_commands_build(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """They wait for keys, or need a file that the reader has; that they are valid is seen without."""
    typed = [argument for argument in arguments if not argument.startswith("config=")]
    assert parse_request(typed).words
    assert main([*typed, "--dry-run"]) == 0, capsys.readouterr().err
