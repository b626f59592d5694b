"""Errors and exit codes."""

from __future__ import annotations

import signal

from metta.common import errors


def test_exit_codes_are_those_of_the_documentation() -> None:
    assert errors.ConfigError("x").exit_code == 2
    assert errors.RunOwnedError("x").exit_code == 3
    assert errors.NotANumberError("x").exit_code == 5
    assert errors.CheckpointError("x").exit_code == 1
    assert errors.InterruptedBySignal(signal.SIGINT, "x").exit_code == 130
    assert errors.InterruptedBySignal(signal.SIGTERM, "x").exit_code == 143


def test_every_error_is_also_a_builtin_one_but_never_a_key_error() -> None:
    """A KeyError's text prints as a repr."""
    kinds = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.MettaError)]
    for kind in kinds:
        assert not issubclass(kind, KeyError)
        assert kind is errors.MettaError or issubclass(kind, ValueError | RuntimeError)
