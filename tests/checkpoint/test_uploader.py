"""Against a folder, against moto's S3, and against a server on the loopback that fails on purpose."""

from __future__ import annotations

import http.server
import logging
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from metta.checkpoint.uploader import Uploader
from metta.common.run_dir import RunDir


class Bucket(http.server.ThreadingHTTPServer):
    """Takes PUTs. ``answers(number)`` is the status of the n-th request, counted from 1; 0 = never answer."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.answers: Callable[[int], int] = lambda number: 200
        self.requests = 0
        self.objects: dict[str, bytes] = {}
        self.released = threading.Event()
        self.lock = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up is no error here."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Bucket  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.server.lock:
            self.server.requests += 1
            status = self.server.answers(self.server.requests)
        if status == 0:
            self.server.released.wait(60)
            return
        if status == 200:
            self.server.objects[self.path] = body
        self.send_response(status)
        self.send_header("ETag", '"1"')
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing to stderr."""


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bucket]:
    server = Bucket()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    for name, value in {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


@pytest.fixture
def run_dir(tmp_path: Path) -> RunDir:
    return RunDir.at(tmp_path, "demo").create()


@pytest.fixture
def save(run_dir: RunDir) -> Callable[[int], Path]:
    def write(epoch: int) -> Path:
        path = run_dir.checkpoints / f"demo:v{epoch}.mpt"
        path.write_bytes(b"weights of %d" % epoch)
        return path

    return write


@pytest.fixture
def told(caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[str]]:
    monkeypatch.setattr(logging.getLogger("metta"), "propagate", True)
    return lambda: [record.message for record in caplog.records if record.levelno >= logging.WARNING]


def started(uri: str, run_dir: RunDir, timeout: float = 10.0, request: float = 5.0) -> Uploader:
    uploader = Uploader(uri, run_dir, timeout, first_pause=0.01, request=request)
    uploader.start()
    return uploader


def add(uploader: Uploader, path: Path) -> None:
    uploader.add(path, epoch=0, agent_step=0)


def test_policies_arrive_even_when_retention_takes_them_away(
    run_dir: RunDir, save: Callable[[int], Path], tmp_path: Path
) -> None:
    uploader = started(f"file://{tmp_path}/store", run_dir)
    for epoch in (1, 2, 3):
        path = save(epoch)
        add(uploader, path)
        path.unlink()
    uploader.close(failed=False)
    there = {path.name: path.read_bytes() for path in (tmp_path / "store/demo/checkpoints").iterdir()}
    assert there == {f"demo:v{epoch}.mpt": b"weights of %d" % epoch for epoch in (1, 2, 3)}
    assert not list(run_dir.uploads.iterdir())


def test_moto_takes_them_as_s3_does(
    run_dir: RunDir, save: Callable[[int], Path], monkeypatch: pytest.MonkeyPatch, bucket: Bucket
) -> None:
    boto3 = pytest.importorskip("boto3")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        endpoint = "http://{}:{}".format(*server.get_host_and_port())
        monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
        client = boto3.client("s3", endpoint_url=endpoint)
        client.create_bucket(Bucket="metta")
        uploader = started("s3://metta/team", run_dir)
        add(uploader, save(7))
        uploader.close(failed=False)
        (found,) = client.list_objects_v2(Bucket="metta")["Contents"]
        assert found["Key"] == "team/demo/checkpoints/demo:v7.mpt"
        assert client.get_object(Bucket="metta", Key=found["Key"])["Body"].read() == b"weights of 7"
        client.close()
    finally:
        server.stop()


def test_a_storm_of_errors_loses_nothing_and_is_told_once(
    run_dir: RunDir, save: Callable[[int], Path], bucket: Bucket, told: Callable[[], list[str]]
) -> None:
    bucket.answers = lambda number: 200 if number > 8 and number % 3 else 503
    uploader = started("s3://metta", run_dir, timeout=20.0)
    for epoch in range(6):
        began = time.monotonic()
        add(uploader, save(epoch))
        assert time.monotonic() - began < 0.5, "training does not wait"
    uploader.close(failed=False)
    assert sorted(bucket.objects.values()) == [b"weights of %d" % epoch for epoch in range(6)]
    first, *others = told()
    assert "cannot upload demo:v0.mpt to s3://metta" in first
    assert all("work again" in line or "cannot upload" in line for line in others)
    assert len([line for line in others if "cannot upload" in line]) <= 3, "once in each row of failures"


def test_a_store_that_never_answers_holds_the_end_no_longer_than_allowed(
    run_dir: RunDir, save: Callable[[int], Path], bucket: Bucket, told: Callable[[], list[str]]
) -> None:
    bucket.answers = lambda number: 0
    uploader = started("s3://metta", run_dir, timeout=0.3)
    add(uploader, save(1))
    add(uploader, save(2))
    began = time.monotonic()
    uploader.close(failed=False)
    assert time.monotonic() - began < 2
    assert "2 of the run's policies could not be uploaded" in told()[-1]
    assert sorted(path.name for path in run_dir.uploads.iterdir()) == ["demo:v1.mpt", "demo:v2.mpt"]
    bucket.answers = lambda number: 200
    again = started("s3://metta", run_dir)  # the next start of the run
    again.close(failed=False)
    assert len(bucket.objects) == 2
    assert not list(run_dir.uploads.iterdir())


def test_a_refusal_is_told_at_once_and_asked_again_only_with_the_next_policy(
    run_dir: RunDir, save: Callable[[int], Path], bucket: Bucket, told: Callable[[], list[str]]
) -> None:
    bucket.answers = lambda number: 403
    uploader = started("s3://metta", run_dir, timeout=0.2)
    add(uploader, save(1))
    end = time.monotonic() + 5
    while not told() and time.monotonic() < end:
        time.sleep(0.01)
    assert "tried again when the next policy is saved" in told()[0]
    asked = bucket.requests
    time.sleep(0.3)
    assert bucket.requests == asked
    bucket.answers = lambda number: 200
    add(uploader, save(2))
    uploader.timeout = 5.0
    uploader.close(failed=False)
    assert len(bucket.objects) == 2


def test_a_request_to_stop_ends_the_waiting(run_dir: RunDir, save: Callable[[int], Path], bucket: Bucket) -> None:
    bucket.answers = lambda number: 0
    uploader = started("s3://metta", run_dir, timeout=30.0)
    add(uploader, save(1))
    began = time.monotonic()
    uploader.close(failed=False, stop=lambda: True)
    assert time.monotonic() - began < 1


def test_a_policy_that_is_written_again_meanwhile_is_uploaded_again(
    run_dir: RunDir, save: Callable[[int], Path], bucket: Bucket
) -> None:
    """As when a killed run goes back and does an epoch again."""
    released = threading.Event()

    def slow(number: int) -> int:
        if number == 1:
            released.wait(5)
        return 200

    bucket.answers = slow
    uploader = started("s3://metta", run_dir)
    add(uploader, save(1))
    while not bucket.requests:
        time.sleep(0.01)
    path = run_dir.checkpoints / "demo:v1.mpt"
    path.unlink()
    path.write_bytes(b"other weights")
    add(uploader, path)
    released.set()
    uploader.close(failed=False)
    assert list(bucket.objects.values()) == [b"other weights"]
