"""``docs/adding/component.md`` is followed to the letter."""

from __future__ import annotations

import importlib.util
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "adding" / "component.md").read_text()
MODULE = "metta.agent.components.gated_linear"


def block(heading: str) -> str:
    """The first block of code under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.search(r"^```py(?:thon)?\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    assert found is not None
    return found[1]


@pytest.fixture
def component(tmp_path: Path) -> Iterator[ModuleType]:
    """The class of the page, importable where the page puts it."""
    assert "`gated_linear.py` in `metta/agent/components/`" in PAGE
    path = tmp_path / "gated_linear.py"
    path.write_text(block("The class"))
    spec = importlib.util.spec_from_file_location(MODULE, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[MODULE] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[MODULE]


@pytest.mark.usefixtures("component")
def test_its_test_passes() -> None:
    names: dict[str, object] = {}
    exec(compile(block("The test"), "component.md", "exec"), names)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    assert len(tests) == 4
    for test in tests:
        assert callable(test)
        test()


def test_its_registry_line_registers_it(component: ModuleType) -> None:
    import_line, entry = block("The registry").splitlines()
    source = (ROOT / "metta" / "agent" / "components" / "registry.py").read_text()
    source = source.replace("\nfrom metta.", f"\n{import_line}\nfrom metta.", 1)
    head, table = source.split("COMPONENTS: dict[str, type[MettaModule]] = {\n")
    names: dict[str, object] = {"__name__": "registry"}
    exec(f"{head}COMPONENTS = {{\n{entry}\n{table}", names)
    components = names["COMPONENTS"]
    assert isinstance(components, dict)
    assert components["GatedLinear"] is component.GatedLinear


def test_it_is_written_in_this_projects_style(component: ModuleType) -> None:
    lines = block("The class").splitlines()
    assert max(map(len, lines)) <= 120
    assert component.GatedLinear.__doc__.startswith("A linear layer times gates")
    assert "Shapes:" in component.GatedLinear.__doc__
    assert "Source:" in component.GatedLinear.__doc__
