"""Which rows a teacher advises and leads."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch

from metta.rl.loss.base import LossSetting
from metta.rl.loss.teacher_rows import NO_ADVICE, Advice, Teacher, lead


def inputs(begin: int, end: int) -> dict[str, Any]:
    size = end - begin
    return {
        "env_obs": torch.rand(size, 2),
        "first": torch.zeros(size, dtype=torch.bool),
        "action_mask": torch.ones(size, 3, dtype=torch.bool),
        "rows": slice(begin, end),
    }


def led_rows(setting: LossSetting, begin: int, end: int, share: float) -> list[int]:
    """The rows on which a teacher of action 1 acts, of a slot whose policy took action 0."""
    size = end - begin
    td = {
        "action": torch.zeros(size, dtype=torch.int64),
        "act_log_prob": torch.zeros(size),
        "led": torch.zeros(size, dtype=torch.bool),
        "logits": torch.zeros(size, 3),
    }
    lead(
        setting, Advice(slice(0, size), torch.ones(size, dtype=torch.int64), None, None), share, inputs(begin, end), td
    )
    assert torch.equal(td["action"] == 1, td["led"])
    torch.testing.assert_close(td["act_log_prob"], torch.where(td["led"], torch.tensor(1 / 3).log(), 0.0))
    return [begin + int(row) for row in td["led"].nonzero()]


@pytest.mark.parametrize(("share", "count"), [(0.0, 0), (0.25, 10), (0.5, 20), (0.3, 12), (1.0, 40)])
def test_led_rows_are_spread_evenly_and_do_not_depend_on_slots(setting: LossSetting, share: float, count: int) -> None:
    whole = led_rows(setting, 0, 40, share)
    assert len(whole) == count
    assert led_rows(setting, 0, 13, share) + led_rows(setting, 13, 40, share) == whole
    gaps = [two - one for one, two in pairwise(whole)]
    assert not gaps or max(gaps) - min(gaps) <= 1


def test_where_there_is_no_advice_the_policy_acts(setting: LossSetting) -> None:
    td = {
        "action": torch.tensor([2, 2]),
        "act_log_prob": torch.tensor([-1.0, -1.0]),
        "led": torch.tensor([False, False]),
        "logits": torch.zeros(2, 3),
    }
    lead(setting, Advice(slice(0, 2), torch.tensor([NO_ADVICE, 1]), None, None), 1.0, inputs(0, 2), td)
    assert td["action"].tolist() == [2, 1]
    assert td["led"].tolist() == [False, True]
    assert td["act_log_prob"][0] == -1.0


def test_advice_is_given_on_its_own_rows_only(setting: LossSetting, teacher_uris: tuple[str, str]) -> None:
    teacher = Teacher(teacher_uris[0], setting, 1, 3, greedy=False)
    first, second = teacher.advise(inputs(0, 2)), teacher.advise(inputs(2, 4))
    assert first is not None
    assert second is not None
    assert (first.inside, second.inside) == (slice(1, 2), slice(0, 1))
    assert first.log_probs is not None
    torch.testing.assert_close(first.log_probs.exp().sum(-1), torch.ones(1))
    memory = teacher.state("")["memory/lstm_h"]
    assert [bool(row.any()) for row in memory] == [False, True, True, False]
    assert Teacher(teacher_uris[0], setting, 3, 4, greedy=False).advise(inputs(0, 2)) is None


def test_a_teacher_at_rest_forgets_once(setting: LossSetting, teacher_uris: tuple[str, str]) -> None:
    teacher = Teacher(teacher_uris[0], setting, 0, 4, greedy=True)
    teacher.advise(inputs(0, 4))
    teacher.rest_if(False)
    assert any(value.any() for key, value in teacher.state("").items() if key.startswith("memory/"))
    teacher.rest_if(True)
    assert teacher.asleep
    assert not any(value.any() for key, value in teacher.state("").items() if key.startswith("memory/"))
