"""What the trial of learning curves makes of a run's logs and of scorecards."""

from __future__ import annotations

import json
import runpy
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "trials" / "learning_curves.py"


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.syspath_prepend(str(SCRIPT.parents[1]))
    return runpy.run_path(str(SCRIPT))


def write_logs(folder: Path, hearts: list[float | None]) -> None:
    rows = [{"epoch": n + 1, "agent_step": 100 * (n + 1)} for n in range(len(hearts))]
    of_episodes = [{} if heart is None else {"env_agent/heart.gained": heart} for heart in hearts]
    metrics = [json.dumps({**row, **more}) for row, more in zip(rows, of_episodes, strict=True)]
    (folder / "metrics.jsonl").write_text("\n".join(metrics) + "\n")
    timing = [json.dumps({"epoch": row["epoch"], "metric/total_time": 2.0 * row["epoch"]}) for row in rows]
    (folder / "timing.jsonl").write_text("\n".join(timing) + "\n")


def test_a_curve_has_the_epochs_in_which_episodes_ended(script: dict[str, Any], tmp_path: Path) -> None:
    write_logs(tmp_path, [None, 1.0, 2.0, None, 6.0])
    curve = script["read_curve"](tmp_path)
    assert (curve.steps, curve.hearts, curve.seconds) == ([200, 300, 500], [1.0, 2.0, 6.0], [4.0, 6.0, 10.0])
    assert [curve.at(step) for step in (100, 200, 499, 500)] == [None, 1.0, 2.0, 6.0]


def test_the_wall_time_until_a_score_is_that_of_a_mean(script: dict[str, Any], tmp_path: Path) -> None:
    write_logs(tmp_path, [9.0, 0.0, 0.0, 4.0, 5.0, 6.0])
    curve = script["read_curve"](tmp_path)
    assert curve.seconds_until(5.0, window=3) == 12.0, "one lucky epoch does not count"
    assert curve.seconds_until(7.0, window=3) is None


def test_hearts_are_the_mean_over_simulations(script: dict[str, Any]) -> None:
    def simulation(hearts: float) -> dict[str, Any]:
        return {"heart.gained": {"mean": hearts}}

    card = {"policies": {"a": {"x": simulation(1.0), "y": simulation(3.0)}, "b": {"x": simulation(4.0)}}}
    assert script["hearts_of"](card) == [2.0, 4.0]
