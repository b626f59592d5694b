"""metta/tools/rank_ends.py: which ends are worth a new start, and what is told of them."""

from __future__ import annotations

import pytest

from metta.common.errors import ExitCode
from metta.tools.rank_ends import exit_code_of, in_words, is_final


@pytest.mark.parametrize(
    ("codes", "final", "code"),
    [
        ({0: ExitCode.RETRY, 1: -9}, False, 137),
        ({0: ExitCode.RETRY, 1: ExitCode.NOT_A_NUMBER}, True, ExitCode.NOT_A_NUMBER),
        ({0: ExitCode.RETRY, 1: ExitCode.RETRY}, False, ExitCode.RETRY),
        ({1: ExitCode.FAILED}, True, ExitCode.FAILED),
        ({0: ExitCode.SIGTERM, 1: ExitCode.SIGTERM}, True, ExitCode.SIGTERM),
        ({0: ExitCode.SIGTERM, 1: -9}, False, 137),
        ({0: ExitCode.RETRY, 1: ExitCode.SIGTERM}, False, ExitCode.RETRY),
        ({0: -15, 1: ExitCode.USAGE}, True, ExitCode.USAGE),
        ({}, False, ExitCode.FAILED),
    ],
)
def test_an_error_of_a_rank_ends_the_run_a_death_does_not(codes: dict[int, int], final: bool, code: int) -> None:
    assert is_final(codes) is final
    assert exit_code_of(codes) == code


def test_the_cause_is_named() -> None:
    assert in_words({0: ExitCode.RETRY, 1: -9}) == "rank 1 died of SIGKILL"
    assert in_words({0: 5, 1: ExitCode.RETRY}) == "rank 0 ended with exit code 5"
    assert in_words({0: -15, 1: -9}) == "rank 1 died of SIGKILL"
    assert in_words({0: ExitCode.RETRY}) == "rank 0 ended with exit code 75"
