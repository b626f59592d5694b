"""``docs/adding/loss.md`` is followed to the letter; ``docs/losses.md`` names every loss."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import TypeAdapter

from metta.rl.loss.base import build_losses
from metta.rl.loss.registry import AnyLossConfig

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs/adding/loss.md").read_text()
FILES = {"The settings": "confidence_config", "The class": "confidence"}


def block(heading: str) -> str:
    """The first block of code under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"^```py(?:thon)?\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def added(tmp_path: Path) -> Iterator[None]:
    """The two files of the page, importable where the page puts them."""
    modules: list[str] = []
    for heading, name in FILES.items():
        assert f"`{name}.py` in `metta/rl/loss/`" in PAGE
        path = tmp_path / f"{name}.py"
        path.write_text(block(heading))
        modules.append(f"metta.rl.loss.{name}")
        spec = importlib.util.spec_from_file_location(modules[-1], path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[modules[-1]] = module
        spec.loader.exec_module(module)
    yield
    for name in modules:
        del sys.modules[name]


@pytest.mark.usefixtures("added")
def test_its_test_passes() -> None:
    names: dict[str, Any] = {}
    exec(compile(block("The test"), "loss.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 3
    for test in tests:
        test()


@pytest.mark.usefixtures("added")
def test_its_registry_line_registers_it() -> None:
    import_line, entry = block("The registry").splitlines()
    source = (ROOT / "metta/rl/loss/registry.py").read_text()
    source = source.replace("\nfrom metta.", f"\n{import_line}\nfrom metta.", 1)
    head, tail = source.split(",\n    Field(discriminator", 1)
    names: dict[str, Any] = {"__name__": "metta.rl.loss.registry_with_confidence"}
    code = f"{head}\n{entry},\n    Field(discriminator{tail}".replace("from __future__ import annotations\n", "")
    exec(compile(code, "registry.py", "exec", dont_inherit=True), names)
    losses = TypeAdapter(names["Losses"]).validate_python({"confidence": {"limit": 0.9}})
    assert losses["confidence"].limit == 0.9
    assert type(build_losses({"confidence": losses["confidence"]})["confidence"]).__name__ == "ConfidenceLoss"


def test_it_is_written_in_this_projects_style() -> None:
    for heading in FILES:
        assert max(map(len, block(heading).splitlines())) <= 120
    assert "Source:" in block("The class")


def test_the_table_has_every_loss() -> None:
    table = (ROOT / "docs/losses.md").read_text()
    listed = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    types = [config.model_fields["type"].default for config in get_args(get_args(AnyLossConfig)[0])]
    assert sorted(listed) == sorted(types)
