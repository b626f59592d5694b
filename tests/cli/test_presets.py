"""Sizes of the presets are set by the command line, whatever preset was chosen there."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("overrides", "says"),
    [
        (["vit_small", "policy_architecture.latent_dim=96"], ["type: vit_small", "latent_dim: 96"]),
        (["cortex", "policy_architecture.pattern=AM"], ["type: cortex", "pattern: AM"]),
    ],
)
def test_preset_and_size(overrides: list[str], says: list[str]) -> None:
    preset, size = overrides
    command = [sys.executable, "-m", "metta.cli.main", "train", "arena", f"policy_architecture={preset}", size]
    done = subprocess.run([*command, "--dry-run"], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
    assert [part for part in says if part not in done.stdout] == []


def test_a_letter_that_there_is_not() -> None:
    command = [sys.executable, "-m", "metta.cli.main", "train", "arena", "policy_architecture=cortex"]
    done = subprocess.run(
        [*command, "policy_architecture.pattern=AQ", "--dry-run"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "policy_architecture.pattern" in done.stderr
