"""Spinning is shortened unless the user said otherwise."""

from __future__ import annotations

import os

import pytest

from metta.common.openmp import SPINS, shorten_spins


def test_default_and_the_users_own_value(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    shorten_spins()
    assert os.environ["GOMP_SPINCOUNT"] == "7"
    monkeypatch.delenv("GOMP_SPINCOUNT")
    shorten_spins()
    assert os.environ["GOMP_SPINCOUNT"] == SPINS
    monkeypatch.delenv("GOMP_SPINCOUNT")
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    shorten_spins()
    assert "GOMP_SPINCOUNT" not in os.environ
