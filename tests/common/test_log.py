"""Logging to file and stderr, by rank."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from metta.common.log import FILE_ONLY, get_logger, rank_of_process, setup_logging


@pytest.fixture(autouse=True)
def _clean_handlers() -> Iterator[None]:
    yield
    logger = get_logger("metta")
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.propagate = True


def test_file_gets_all_and_stderr_warnings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    setup_logging(tmp_path / "run.log")
    get_logger("metta.rl.trainer").info("epoch 1")
    get_logger("elsewhere").warning("careful")
    assert capfd.readouterr().err == "WARNING: careful\n"
    text = (tmp_path / "run.log").read_text()
    assert "INFO    metta.rl.trainer: epoch 1" in text
    assert "WARNING metta.elsewhere: careful" in text


def test_setting_up_again_does_not_double_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    setup_logging()
    setup_logging(tmp_path / "run.log")
    get_logger("x").warning("once")
    assert capfd.readouterr().err.count("once") == 1


def test_other_ranks_are_quiet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert rank_of_process() == 1
    setup_logging(tmp_path / "run.log")
    get_logger("x").warning("hidden")
    get_logger("x").error("shown")
    assert capfd.readouterr().err == "ERROR [rank 1]: shown\n"
    assert (tmp_path / "run.rank1.log").exists()


def test_what_stderr_is_told_otherwise_goes_to_the_file_only(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    setup_logging(tmp_path / "run.log")
    get_logger("x").error("training failed", extra=FILE_ONLY)
    assert capfd.readouterr().err == ""
    assert "ERROR   metta.x: training failed" in (tmp_path / "run.log").read_text()
