"""What is said about the state when a signal ended a run."""

from __future__ import annotations

import re

import pytest

from metta.common.errors import CheckpointError
from metta.rl.interruption import saved_in_words


def full() -> None:
    raise CheckpointError("no space left.")


@pytest.mark.parametrize(
    ("saved_epoch", "told"), [(-1, "none was saved before.*starts anew"), (7, "goes on from epoch 7")]
)
def test_a_save_that_fails_is_told(saved_epoch: int, told: str) -> None:
    text = saved_in_words(full, saved_epoch, "demo")
    assert re.search(told, text)
    assert "(no space left)" in text


def test_a_save_that_works() -> None:
    calls: list[int] = []
    assert "is saved" in saved_in_words(lambda: calls.append(1), -1, "demo")
    assert calls == [1]
