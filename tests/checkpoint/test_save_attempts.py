from __future__ import annotations

import pytest

from metta.checkpoint.save_attempts import SaveAttempts
from metta.common.errors import CheckpointError


def fail() -> None:
    raise CheckpointError("No space left on device.")


def test_two_failures_are_forgiven_and_the_third_in_a_row_stops() -> None:
    attempts = SaveAttempts("policy")
    assert not attempts.run(fail)
    assert not attempts.run(fail)
    with pytest.raises(CheckpointError, match=r"saving the policy failed 3 times in a row.*No space left"):
        attempts.run(fail)


def test_a_success_in_between_starts_the_count_again() -> None:
    attempts = SaveAttempts("policy")
    for _ in range(5):
        assert not attempts.run(fail)
        assert not attempts.run(fail)
        assert attempts.run(lambda: None)


def test_other_errors_are_not_forgiven() -> None:
    with pytest.raises(ZeroDivisionError):
        SaveAttempts("policy").run(lambda: 1 // 0)
