from __future__ import annotations

from pathlib import Path

import obstore
import pytest

from metta.common.errors import ConfigError
from metta.common.storage import check_store_uri, open_store


@pytest.mark.parametrize("uri", ["s3://bucket", "s3://bucket/a/b", "file:///a", "gs://b/c", "az://account/b"])
def test_places(uri: str) -> None:
    assert check_store_uri(f"{uri}/") == uri


@pytest.mark.parametrize(
    ("uri", "says"),
    [
        ("/a/b", "no place in a store"),
        ("fiel:///b", "Did you mean 'file'"),
        ("http://b/c", "no place"),
        ("s3://", "names no bucket"),
        ("file:///", "names no folder"),
        ("", "no place"),
    ],
)
def test_what_is_no_place_is_refused(uri: str, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        check_store_uri(uri)


def test_a_folder_is_a_store(tmp_path: Path) -> None:
    store = open_store(f"file://{tmp_path / 'new'}")
    obstore.put(store, "demo/checkpoints/demo:v1.mpt", b"weights")
    assert (tmp_path / "new" / "demo" / "checkpoints" / "demo:v1.mpt").read_bytes() == b"weights"


def test_a_bucket_without_a_region_can_be_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    open_store("s3://bucket/folder")
