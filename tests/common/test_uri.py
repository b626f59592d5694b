"""Policy URIs, names of artifacts, the latest of a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.common.errors import CheckpointError, ConfigError
from metta.common.uri import artifact_name, parse_policy_uri, resolve_latest, run_and_epoch, to_uri


def test_forms_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    expected = tmp_path / "a=b.mpt"
    assert parse_policy_uri(f"file://{expected}").path == expected
    assert parse_policy_uri("file://./a=b.mpt").path == expected
    assert parse_policy_uri("a=b.mpt").path == expected
    assert parse_policy_uri("file://~/x").path == tmp_path / "home" / "x"
    assert parse_policy_uri("~/x").path == tmp_path / "home" / "x"


@pytest.mark.parametrize("name", ["demo:v5.mpt", "100%.mpt", "%41:v1.mpt", "ä b.mpt"])
def test_uri_of_a_path_leads_back(tmp_path: Path, name: str) -> None:
    assert parse_policy_uri(to_uri(tmp_path / name)).path == tmp_path / name


def test_mock() -> None:
    uri = parse_policy_uri("mock://random")
    assert (uri.scheme, uri.name, uri.path, str(uri)) == ("mock", "random", None, "mock://random")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("fil://x", r"unknown scheme 'fil'. Did you mean 'file'"),
        ("s3://bucket/x", "comes with a later version"),
        ("wandb://x", "comes with a later version"),
        ("mock://", "names nothing"),
        ("file://", "names nothing"),
    ],
)
def test_what_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_policy_uri(text)


def test_artifact_names_lead_back() -> None:
    assert run_and_epoch(artifact_name("local.me.1", 12)) == ("local.me.1", 12)
    with pytest.raises(CheckpointError, match="is not the name of a policy"):
        run_and_epoch("demo.mpt")


def test_latest_is_the_highest_number_not_the_last_name(tmp_path: Path) -> None:
    checkpoints = tmp_path / "demo" / "checkpoints"
    checkpoints.mkdir(parents=True)
    for epoch in (2, 10, 9):
        (checkpoints / artifact_name("demo", epoch)).touch()
    (checkpoints / "other.txt").touch()
    assert resolve_latest(checkpoints).name == "demo:v10.mpt"
    assert resolve_latest(tmp_path / "demo").name == "demo:v10.mpt"
    assert resolve_latest(checkpoints / "demo:v2.mpt").name == "demo:v2.mpt"


def test_nothing_there_lists_what_is(tmp_path: Path) -> None:
    (tmp_path / "demo").mkdir()
    with pytest.raises(CheckpointError, match=r"it holds demo/\. Did you mean 'demo'"):
        resolve_latest(tmp_path / "demmo" / "checkpoints")
    with pytest.raises(CheckpointError, match="it holds nothing"):
        resolve_latest(tmp_path / "demo")
