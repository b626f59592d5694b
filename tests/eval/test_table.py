"""The scorecard's table, as it is printed into a pipe of 80 columns."""

from __future__ import annotations

import io

from rich.console import Console

from metta.eval.scorecard import Scorecard
from metta.eval.statistics import MetricSummary
from metta.eval.table import print_scorecard


def summary(mean: float) -> MetricSummary:
    return MetricSummary(mean=mean, low=mean * 0.9, high=mean * 1.1, n=100)


def printed(scorecard: Scorecard, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, color_system=None)
    print_scorecard(console, scorecard)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


SCORECARD = Scorecard(
    policies={
        "file:///runs/demo/checkpoints/demo:v40.mpt": {
            "arena/basic": {"reward": summary(3.1415), "heart.gained": summary(12.345), "secret": summary(1)},
            "arena/combat": {"reward": summary(1234.5)},
        },
        "mock://random": {"arena/basic": {"reward": summary(0.25), "heart.gained": summary(0.125)}},
    }
)


def test_it_fits_and_names_policies_shortly() -> None:
    text = printed(SCORECARD)
    assert max(map(len, text.splitlines())) <= 80
    assert "demo:v40 " in text
    assert "mock://random" in text
    assert "3.142" in text
    assert "2.827..3.456" in text
    assert "1,234" in text or "1,235" in text
    assert "secret" not in text


def test_a_metric_that_a_simulation_lacks_is_a_dash() -> None:
    (line,) = [line for line in printed(SCORECARD).splitlines() if "arena/combat" in line]
    assert " - " in line
