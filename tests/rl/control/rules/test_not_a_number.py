"""Numbers that are none end the run; who is to blame is asked only then."""

from __future__ import annotations

import pytest

from metta.common.errors import NotANumberError
from metta.rl.control.rules.not_a_number import NotANumber
from metta.rl.control.rules.rules_config import NotANumberConfig


def never() -> str:
    raise AssertionError("nobody is to blame")


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_it_names_the_culprit_and_the_keys(bad: float) -> None:
    rule = NotANumber(NotANumberConfig())
    rule.check({"loss": 1.0}, never, epoch=3, lr=0.1, clip=0.5)
    with pytest.raises(
        NotANumberError, match=r"the loss became NaN .* epoch 3.*learning_rate=0\.1.*max_grad_norm=0\.5"
    ):
        rule.check({"loss": bad}, lambda: "the loss", epoch=3, lr=0.1, clip=0.5)


def test_switched_off_it_is_silent() -> None:
    NotANumber(NotANumberConfig(enabled=False)).check({"loss": float("nan")}, never, epoch=3, lr=0.1, clip=0.5)
