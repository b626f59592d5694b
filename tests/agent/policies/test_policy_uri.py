"""Policy URIs are looked at before anything heavy is loaded."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from metta.agent.policies.mock import MOCK_POLICIES
from metta.agent.policies.policy_uri import MOCK_NAMES, check_policy_uris
from metta.common.errors import CheckpointError, ConfigError


def test_names_are_those_of_the_scripted_policies() -> None:
    assert tuple(MOCK_POLICIES) == MOCK_NAMES


def test_what_is_there_passes(tmp_path: Path) -> None:
    (tmp_path / "checkpoints").mkdir()
    file = tmp_path / "checkpoints" / "demo:v3.mpt"
    file.touch()
    check_policy_uris("policy_uris", ["mock://random", str(file), f"file://{tmp_path}", f"file://{file.parent}"])


@pytest.mark.parametrize(
    ("uri", "error", "told"),
    [
        ("file://{here}/gone.mpt", CheckpointError, "policy_uri=file://{here}/gone.mpt: No policy at {here}/gone.mpt"),
        ("{here}", CheckpointError, "policy_uri={here}: No policy (<run>:v<epoch>.mpt) in {here}"),
        ("mock://arena_teachr", ConfigError, "Did you mean 'arena_teacher'"),
        ("fil://x", ConfigError, "Did you mean 'file'"),
    ],
)
def test_what_is_not_there_is_told_with_its_key(tmp_path: Path, uri: str, error: type[Exception], told: str) -> None:
    with pytest.raises(error, match=re.escape(told.format(here=tmp_path))):
        check_policy_uris("policy_uri", [uri.format(here=tmp_path)])


def test_weights_may_be_needed() -> None:
    with pytest.raises(CheckpointError, match="initial_policy_uri=mock://random is a scripted policy without weights"):
        check_policy_uris("initial_policy_uri", ["mock://random"], trained=True)
