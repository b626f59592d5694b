"""Preset configs: choice by type, defaults by observation, torch stays out."""

from __future__ import annotations

import subprocess
import sys

import pytest
from pydantic import TypeAdapter, ValidationError

from metta.agent.policy_config import BagConfig, FastConfig, MlpConfig, PolicyConfig, default_policy_config


def test_type_chooses_the_config() -> None:
    parsed = TypeAdapter(PolicyConfig).validate_python({"type": "fast", "lstm_size": 64})
    assert parsed == FastConfig(lstm_size=64)


@pytest.mark.parametrize("wrong", [{"type": "fats"}, {"type": "bag", "lstm_size": 1}, {"type": "bag", "bag_width": 0}])
def test_faults_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(PolicyConfig).validate_python(wrong)


def test_defaults_by_observation() -> None:
    assert default_policy_config("tokens") == BagConfig()
    assert default_policy_config("box") == MlpConfig()


def test_torch_is_not_imported() -> None:
    code = "import sys, metta.agent.policy_config; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
