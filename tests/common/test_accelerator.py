"""A GPU is told from its driver, without torch."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from metta.common.accelerator import will_use_gpu


def test_a_named_device_is_taken_at_its_word() -> None:
    assert will_use_gpu("cuda")
    assert not will_use_gpu("cpu")


def test_auto_asks_for_driver_and_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driver = tmp_path / "version"
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cu130")
    assert not will_use_gpu("auto", driver)
    driver.touch()
    assert will_use_gpu("auto", driver)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert not will_use_gpu("auto", driver)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    monkeypatch.setattr(metadata, "version", lambda name: "2.13.0+cpu")
    assert not will_use_gpu("auto", driver)
