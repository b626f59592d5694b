from __future__ import annotations

import gc
import logging
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from metta.tracking.config import WandbConfig
from metta.tracking.logger import NullLogger
from metta.tracking.wandb import WandbLogger, make_wandb_logger


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
    told = [record for record in caplog.records if record.name.startswith("metta")]
    assert len(told) == 1
    assert "recording offline" in told[0].message
    assert list(tmp_path.glob("wandb/offline-run-*/run-demo.wandb"))


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    """What was said to a person."""
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    return lambda: [
        record.message
        for record in caplog.records
        if record.name.startswith("metta") and record.levelno >= logging.WARNING
    ]


def online(folder: Path) -> Any:
    return make_wandb_logger(WandbConfig(mode="online"), run="demo", folder=folder, run_config={}, init_timeout=10.0)


def test_a_server_that_never_answers_costs_seconds(
    tmp_path: Path, wandb_server: Any, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metta.tracking.wandb.PROBE_SECONDS", 0.5)
    wandb_server.silent = True
    began = time.monotonic()
    logger = online(tmp_path)
    logger.log({"overview/reward": 1.5}, step=64)
    logger.close()
    assert time.monotonic() - began < 10
    assert len(told()) == 1
    assert "did not answer" in told()[0]
    assert "recording offline" in told()[0]
    assert list(tmp_path.glob("wandb/offline-run-*/run-demo.wandb"))


def test_a_server_that_falls_silent_holds_neither_rows_nor_the_end(
    tmp_path: Path, wandb_server: Any, told: Callable[[], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("metta.tracking.wandb.FINISH_SECONDS", 1.0)
    logger = online(tmp_path)
    assert logger.mode == "online"
    assert "UpsertBucket" in wandb_server.requests
    wandb_server.silent = True
    began = time.monotonic()
    for step in range(100):
        logger.log({"overview/reward": 1.5}, step)
    assert time.monotonic() - began < 1
    logger.close()
    assert time.monotonic() - began < 10
    assert len(told()) == 1
    assert "wandb sync" in told()[0]
    (file,) = tmp_path.glob("wandb/run-*/run-demo.wandb")
    assert b"overview/reward" in file.read_bytes()


def test_a_silent_server_gets_no_reports_that_the_end_of_the_process_would_wait_for(
    tmp_path: Path, wandb_server: Any
) -> None:
    """Measured before: eleven seconds of wandb's own telemetry after all was written."""
    program = f"""
import pathlib, threading
from metta.tracking.config import WandbConfig
from metta.tracking.wandb import make_wandb_logger
folder = pathlib.Path({str(tmp_path)!r})
logger = make_wandb_logger(WandbConfig(mode="online"), run="demo", folder=folder, run_config={{}})
print(logger.mode, flush=True)
input()
logger.log({{"overview/reward": 1.5}}, 64)
logger.close()
print(*(thread.name for thread in threading.enumerate()), sep=",")
"""
    pipes: Any = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", program], **pipes) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "online\n"
        wandb_server.silent = True
        threads = process.communicate("\n", timeout=120)[0]
    assert "MainThread" in threads
    assert "Otel" not in threads
    assert not [request for request in wandb_server.requests if "otel" in request]


def test_a_service_that_dies_is_told_once_and_the_run_goes_on(tmp_path: Path, told: Callable[[], list[str]]) -> None:
    logger = make_wandb_logger(WandbConfig(mode="offline"), run="demo", folder=tmp_path, run_config={})
    alive = [child for child in psutil.Process().children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE]
    services = [child for child in alive if "wandb" in " ".join(child.cmdline())]
    assert services
    for service in services:
        service.kill()
        service.wait(5)
    for step in range(50):
        logger.log({"overview/reward": 1.5}, step)
        time.sleep(0.01)
    logger.close()
    assert len(told()) == 1, told()
    reap_abandoned()


def reap_abandoned() -> None:
    """wandb waits for no service that died; what it leaves would fail whichever test the collector runs in next."""
    for child in gc.get_objects():
        if type(child) is subprocess.Popen:
            child.poll()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # of its sockets
        gc.collect()


def test_a_policy_becomes_an_artifact(tmp_path: Path) -> None:
    logger = make_wandb_logger(WandbConfig(mode="offline"), run="demo", folder=tmp_path, run_config={})
    assert isinstance(logger, WandbLogger)
    policy = tmp_path / "demo:v3.mpt"
    policy.write_bytes(b"weights")
    logger.log_policy(policy, epoch=3, agent_step=192)
    policy.unlink()
    logger.close()
    (file,) = tmp_path.glob("wandb/offline-run-*/run-demo.wandb")
    assert b"epoch-3" in file.read_bytes()
    logger.log_policy(policy, epoch=3, agent_step=192)  # after the end: nothing
