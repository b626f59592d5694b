from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.errors import CheckpointError
from metta.tracking.jsonl import JsonlLogger, read_jsonl


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run" / "metrics.jsonl"


def test_rows_have_sorted_keys_and_plain_numbers(path: Path) -> None:
    logger = JsonlLogger(path)
    logger.log({"z": 1, "a": 0.1 + 0.2, "nan": float("nan"), "inf": float("-inf")}, step=64)
    assert path.read_bytes() == b'{"a":0.30000000000000004,"agent_step":64,"inf":null,"nan":null,"z":1}\n'
    assert read_jsonl(path) == [{"a": 0.1 + 0.2, "agent_step": 64, "inf": None, "nan": None, "z": 1}]


@settings(max_examples=50, deadline=None)
@given(total=st.integers(1, 6), data=st.data())
def test_resume_after_a_kill_anywhere_gives_the_bytes_of_an_undisturbed_run(
    total: int, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("jsonl")
    undisturbed, killed = JsonlLogger(folder / "a"), JsonlLogger(folder / "b")
    for epoch in range(total):
        undisturbed.log({"reward": epoch / 3}, epoch)
    committed_epoch = data.draw(st.integers(0, total - 1))
    state = {}
    for epoch in range(total):
        if epoch == committed_epoch:
            state = killed.state()
        killed.log({"reward": epoch / 3}, epoch)
    torn = data.draw(st.integers(int(state["offset"]), killed.path.stat().st_size))
    killed.path.write_bytes(killed.path.read_bytes()[:torn])
    again = JsonlLogger(folder / "b")
    again.restore(json.loads(json.dumps(state)))
    for epoch in range(committed_epoch, total):
        again.log({"reward": epoch / 3}, epoch)
    assert again.path.read_bytes() == undisturbed.path.read_bytes()


def test_a_run_that_starts_anew_empties_the_file(path: Path) -> None:
    JsonlLogger(path).log({"reward": 1.0}, 1)
    logger = JsonlLogger(path)
    logger.restore({})
    assert path.read_bytes() == b""
    logger.log({"reward": 2.0}, 1)
    assert len(read_jsonl(path)) == 1


def test_lost_rows_are_told_and_what_is_left_is_kept(
    path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    logger = JsonlLogger(path)
    for epoch in range(3):
        logger.log({"reward": 1.0}, epoch)
    state = logger.state()
    path.write_bytes(path.read_bytes()[:-5])
    logger.restore(state)
    assert "rows were lost" in caplog.text
    assert [row["agent_step"] for row in read_jsonl(path)] == [0, 1]
    assert path.read_bytes().endswith(b"\n")


def test_a_torn_last_line_is_left_out_and_a_broken_one_is_told(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b'{"a":1}\n{"a":2')
    assert read_jsonl(path) == [{"a": 1}]
    path.write_bytes(b'{"a":1}\n{"a":2\n{"a":3}\n')
    with pytest.raises(CheckpointError, match="line 2 is not JSON"):
        read_jsonl(path)
    path.write_bytes(b"[1]\n")
    with pytest.raises(CheckpointError, match="line 1 is a list"):
        read_jsonl(path)


def test_failures_count_once_an_interval_and_rows_get_a_last_chance(path: Path) -> None:
    logger = JsonlLogger(path, interval=3)
    path.parent.mkdir(exist_ok=True)
    path.symlink_to("/dev/full")
    for step in range(6):
        logger.log({"a": step}, step)
    with pytest.raises(CheckpointError, match=r"6 rows cannot be appended .* start the same command again"):
        logger.close()
    with pytest.raises(CheckpointError, match="Third failure in a row"):
        logger.log({"a": 6}, 6)
    path.unlink()
    logger.close()
    logger.close()
    assert [row["a"] for row in read_jsonl(path)] == list(range(7))


def test_rows_wait_while_the_disk_is_full_and_the_third_failure_stops(path: Path) -> None:
    logger = JsonlLogger(path)
    logger.log({"a": 1}, 1)
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to("/dev/full")  # opening works, every write says "no space left on device"
    logger.log({"a": 2}, 2)
    logger.log({"a": 3}, 3)
    state = logger.state()
    with pytest.raises(CheckpointError, match=r"No space left on device\. Third failure in a row"):
        logger.log({"a": 4}, 4)
    path.unlink()
    target.rename(path)
    again = JsonlLogger(path)
    again.restore({"offset": path.stat().st_size, "waiting": state["waiting"]})
    again.log({"a": 4}, 4)
    assert [row["a"] for row in read_jsonl(path)] == [1, 2, 3, 4]
