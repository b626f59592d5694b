"""Results stand beside the policy they are about."""

from __future__ import annotations

from pathlib import Path

import pytest

from metta.common.uri import parse_policy_uri
from metta.sim.output_place import place_for


@pytest.mark.parametrize(
    ("uri", "place", "label"),
    [
        ("file:///data/demo/checkpoints/demo:v7.mpt", "/data/demo", "v7"),
        ("/elsewhere/demo:v12.mpt", "/elsewhere", "v12"),
        ("/elsewhere/renamed.mpt", "/elsewhere", "renamed"),
        ("mock://random", "/data", "random"),
    ],
)
def test_place(uri: str, place: str, label: str) -> None:
    assert place_for(parse_policy_uri(uri), "/data") == (Path(place), label)
