from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from metta.tracking.config import WandbConfig
from metta.tracking.logger import NullLogger
from metta.tracking.wandb import make_wandb_logger


def test_off_never_imports_wandb() -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from metta.tracking.config import WandbConfig\n"
        "from metta.tracking.wandb import make_wandb_logger\n"
        "make_wandb_logger(WandbConfig(), run='demo', folder=Path('.'), run_config={}).log({'a': 1.0}, 1)\n"
        "sys.exit('wandb' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_off_is_the_null_logger(tmp_path: Path) -> None:
    assert isinstance(make_wandb_logger(WandbConfig(), run="demo", folder=tmp_path, run_config={}), NullLogger)


def test_offline_writes_a_real_run(tmp_path: Path) -> None:
    logger = make_wandb_logger(
        WandbConfig(mode="offline", tags=("test",)), run="demo", folder=tmp_path, run_config={"seed": 1}
    )
    control = {"control/encoder/lr": 1e-4, "control/encoder/frozen": 1.0, "control/phase": 2.0}
    logger.log({"overview/reward": 1.5, "losses/broken": float("nan"), **control}, step=64)
    logger.close()
    logger.close()
    logger.log({"overview/reward": 2.0}, step=128)  # after the end: nothing
    (file,) = tmp_path.glob("wandb/offline-run-*/run-demo.wandb")
    data = file.read_bytes()
    assert b"overview/reward" in data
    assert b"metric/agent_step" in data
    for row in control:
        assert row.encode() in data
    assert b"losses/broken" not in data


def test_online_without_a_network_falls_back_with_one_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # nothing listens there
    monkeypatch.setenv("WANDB_API_KEY", "0" * 40)
    logger = make_wandb_logger(WandbConfig(mode="online"), run="demo", folder=tmp_path, run_config={}, init_timeout=3.0)
    logger.log({"overview/reward": 1.5}, step=64)
    logger.close()
    warnings = [record for record in caplog.records if record.name.startswith("metta")]
    assert len(warnings) == 1
    assert "recording offline" in warnings[0].message
    assert list(tmp_path.glob("wandb/offline-run-*/run-demo.wandb"))
