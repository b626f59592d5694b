"""The command that shows what becomes of an older config."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.agent.legacy.__main__ import main
from metta.agent.network_config import NETWORKS_DIR, load_network
from metta.common.errors import ExitCode


def test_its_output_is_the_network(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(NETWORKS_DIR / "legacy" / "fast.yaml")]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "# critic_1 " in text
    new = tmp_path / "fast.yaml"
    new.write_text(text)
    assert "_target_" not in new.read_text()
    assert load_network(str(new)) == load_network("legacy/fast")


@pytest.mark.parametrize("arguments", [[], ["--help"], ["none.yaml"]])
def test_faults(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == ExitCode.USAGE
    assert capsys.readouterr().err
