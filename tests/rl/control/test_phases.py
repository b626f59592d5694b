"""Which phase holds, and when the next one begins."""

from __future__ import annotations

import json
from typing import Any

import pytest

from metta.common.errors import ConfigError
from metta.rl.control.phases import Phases
from metta.rl.control.phases_config import PhaseConfig


def make(*untils: dict[str, Any] | None) -> Phases:
    return Phases(
        {
            name: PhaseConfig.model_validate({"component_lr": {"policy": 0.1 * (place + 1)}, "until": until})
            for place, (name, until) in enumerate(zip("abc", untils, strict=False))
        }
    )


def walk(phases: Phases, metrics: list[dict[str, float]], steps: int = 100) -> str:
    """The phase of each epoch, one letter each."""
    names = ""
    for epoch, row in enumerate(metrics):
        phases.begin(epoch, epoch * steps)
        names += str(phases.current)
        phases.observe(row, epoch + 1, (epoch + 1) * steps)
    return names


def test_epochs_and_steps_count_from_the_start_of_the_phase() -> None:
    assert walk(make({"epochs": 2}, {"agent_steps": 300}, None), [{}] * 8) == "aabbbccc"


def test_whatever_comes_first_ends_a_phase() -> None:
    rows = [{"score": float(value)} for value in (0, 9, 0, 9, 9, 9, 9)]
    assert walk(make({"epochs": 6, "metrics": {"score": ">= 5"}, "patience": 2}, None), rows) == "aaaaabb"
    assert walk(make({"epochs": 3, "metrics": {"score": ">= 5"}, "patience": 2}, None), rows) == "aaabbbb"


def test_an_epoch_without_the_metric_breaks_the_patience() -> None:
    rows: list[dict[str, float]] = [{"score": 9}, {}, {"score": 9}, {"score": 9}, {}]
    assert walk(make({"metrics": {"score": ">= 5"}, "patience": 2}, None), rows) == "aaaab"


def test_a_phase_without_end_lasts_until_told() -> None:
    phases = make(None, {"epochs": 1}, None)
    assert walk(phases, [{}] * 3) == "aaa"
    phases.jump("b")
    entered = phases.begin(3, 300)
    assert entered is not None
    assert (entered.component_lr, entered.training_phase) == ({"policy": 0.2}, "b")
    phases.observe({}, 4, 400)
    assert phases.begin(4, 400) is not None
    assert phases.current == "c"
    with pytest.raises(ConfigError, match=r"training_phase=d: no such phase; there are \['a', 'b', 'c'\]"):
        phases.jump("d")


def test_the_last_phase_stays() -> None:
    assert walk(make({"epochs": 1}, {"epochs": 1}), [{}] * 4) == "abbb"


def test_no_phases_no_control() -> None:
    phases = Phases({})
    assert phases.begin(0, 0) is None
    phases.observe({}, 1, 100)
    assert phases.current is None


@pytest.mark.parametrize("cut", range(1, 7))
def test_state_goes_on_where_it_was(cut: int) -> None:
    def build() -> Phases:
        return make({"metrics": {"score": ">= 5"}, "patience": 3}, {"epochs": 2}, None)

    rows = [{"score": 9.0}] * 8
    whole, first, second = build(), build(), build()
    expected = walk(whole, rows)
    names = walk(first, rows[:cut])
    second.load_state_dict(json.loads(json.dumps(first.state_dict())))
    for epoch in range(cut, len(rows)):
        second.begin(epoch, epoch * 100)
        names += str(second.current)
        second.observe(rows[epoch], epoch + 1, (epoch + 1) * 100)
    assert names == expected == "aaabbccc"


def test_a_misspelt_metric_is_told(caplog: pytest.LogCaptureFixture) -> None:
    walk(make({"metrics": {"overview/rewrad": ">= 5"}}, None), [{"overview/reward": 1.0}] * 12)
    assert caplog.text.count("waits for the metric 'overview/rewrad'") == 1
    assert "Did you mean 'overview/reward'" in caplog.text
