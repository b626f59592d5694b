"""The base of tools: names on the command line, origins that are no setting."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.cli.registry import tool_name
from metta.tools.tool import Tool


class EvaluateRemoteTool(Tool):
    number: int = 1

    def invoke(self) -> int:
        return 0


def test_name_is_the_one_that_the_registry_reads_from_the_source() -> None:
    assert EvaluateRemoteTool.tool_name() == tool_name("EvaluateRemoteTool") == "evaluate_remote"


def test_origins_travel_beside_the_settings(tmp_path: Path) -> None:
    tool = EvaluateRemoteTool(number=2).with_origins({"number": "command line"}, "evaluate_remote x")
    assert tool.model_dump() == EvaluateRemoteTool(number=2).model_dump()
    tool.save_resolved(tmp_path / "config.yaml")
    text = (tmp_path / "config.yaml").read_text()
    assert text == tool.resolved_text()
    assert text.startswith("# evaluate_remote x\n")
    assert "number: 2                # command line" in text


def test_a_tool_without_invoke_is_no_tool() -> None:
    class Unfinished(Tool):
        pass

    with pytest.raises(TypeError, match="abstract"):
        Unfinished()  # pyright: ignore[reportAbstractUsage]
