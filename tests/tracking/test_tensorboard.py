from __future__ import annotations

import logging
import shutil
import sys
from pathlib import Path

import pytest

from metta.common.errors import ConfigError
from metta.tracking.logger import NullLogger
from metta.tracking.tensorboard import TensorboardLogger, make_tensorboard_logger

pytest.importorskip("tensorboard")
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
"""TensorBoard's reader leaves its files open."""


def read(folder: Path, tag: str) -> list[tuple[int, float]]:
    """What TensorBoard itself shows of ``tag``."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = EventAccumulator(str(folder))
    shown.Reload()
    return [(event.step, event.value) for event in shown.Scalars(tag)]


def test_off_is_the_null_logger(tmp_path: Path) -> None:
    assert isinstance(make_tensorboard_logger(tmp_path, on=False), NullLogger)


def test_rows_are_shown_by_tensorboard(tmp_path: Path) -> None:
    logger = make_tensorboard_logger(tmp_path, on=True)
    logger.restore({"agent_step": 0})
    logger.log({"overview/reward": 0.5, "losses/broken": float("nan")}, 64)
    logger.log({"overview/reward": 1.5}, 128)
    assert read(tmp_path, "overview/reward") == [(64, 0.5), (128, 1.5)], "on disk before it is closed"
    logger.close()
    logger.close()
    with pytest.raises(KeyError):
        read(tmp_path, "losses/broken")


def test_epochs_that_are_done_again_are_shown_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = TensorboardLogger(tmp_path)
    first.restore({"agent_step": 0})
    for step in (64, 128, 192):
        first.log({"overview/reward": step / 64}, step)
    first.close()
    monkeypatch.setattr("metta.tracking.tensorboard.time.time", lambda: 2e9)  # a later start
    second = TensorboardLogger(tmp_path)
    second.restore({"agent_step": 128})
    second.log({"overview/reward": 7.0}, 192)
    second.close()
    assert read(tmp_path, "overview/reward") == [(64, 1.0), (128, 2.0), (192, 7.0)]


def test_a_folder_that_goes_away_costs_neither_the_run_nor_the_next_rows(tmp_path: Path) -> None:
    folder = tmp_path / "tensorboard"
    logger = TensorboardLogger(folder)
    logger.log({"overview/reward": 1.0}, 64)
    shutil.rmtree(folder)
    logger.log({"overview/reward": 2.0}, 128)
    assert read(folder, "overview/reward") == [(128, 2.0)]
    logger.close()


def test_a_disk_that_refuses_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    folder = tmp_path / "tensorboard"
    folder.write_text("in the way")
    logger = TensorboardLogger(folder)
    for step in (64, 128, 192):
        logger.log({"overview/reward": 1.0}, step)
    assert caplog.text.count("cannot write TensorBoard events") == 1
    folder.unlink()
    logger.log({"overview/reward": 3.0}, 256)
    assert read(folder, "overview/reward") == [(256, 3.0)]
    logger.close()


def test_a_missing_package_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tensorboard.compat.proto", None)
    with pytest.raises(ConfigError, match=r"metta\[tensorboard\]"):
        TensorboardLogger(tmp_path)
