"""Values between points, and the metrics that a schedule may follow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from metta.common.errors import ConfigError
from metta.rl.schedule import Clock, ScheduleConfig, Schedules


@given(st.lists(st.tuples(st.floats(-1e3, 1e3), st.floats(-5, 5)), min_size=1, max_size=5), st.floats(-2e3, 2e3))
def test_values_stay_between_those_of_the_points(points: list[tuple[float, float]], where: float) -> None:
    points = sorted({round(x, 3): y for x, y in points}.items())
    for style in ("linear", "cosine", "step"):
        value = ScheduleConfig(points=tuple(points), style=style).value_at(where)
        values = [y for _, y in points]
        assert min(values) - 1e-9 <= value <= max(values) + 1e-9
        if where <= points[0][0]:
            assert value == values[0]
        if where >= points[-1][0]:
            assert value == values[-1]


@pytest.mark.parametrize(
    ("style", "expected"), [("linear", 0.505), ("cosine", 0.505), ("exponential", 0.1), ("step", 1.0)]
)
def test_half_way(style: str, expected: float) -> None:
    schedule = ScheduleConfig.model_validate({"points": [[0, 1.0], [10, 0.01]], "style": style})
    assert schedule.value_at(5) == pytest.approx(expected)


def test_what_the_first_number_is() -> None:
    clock = Clock(progress=0.5, agent_step=300, epoch=7)
    for by, where in (("progress", 0.5), ("steps", 300), ("epochs", 7)):
        config = ScheduleConfig.model_validate({"by": by, "points": [[0, 0], [1000, 1000]]})
        assert Schedules({"x": config}).values(clock) == {"x": pytest.approx(where)}


def test_a_metric_is_averaged_and_its_average_is_state() -> None:
    config = ScheduleConfig(by="metric", metric="losses/approx_kl", smoothing=0.5, points=((0.0, 1.0), (1.0, 0.0)))
    schedules, clock = Schedules({"ent_coef": config}), Clock(0.0, 0, 0)
    assert schedules.values(clock) == {"ent_coef": 1.0}, "nothing is known yet"
    schedules.observe({"losses/approx_kl": 0.4})
    schedules.observe({"another": 1.0})
    schedules.observe({"losses/approx_kl": 0.8})
    assert schedules.values(clock) == {"ent_coef": pytest.approx(0.4)}
    again = Schedules({"ent_coef": config}, dict(schedules.averages))
    assert again.values(clock) == schedules.values(clock)


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"points": []}, "points"),
        ({"points": [[0, 1], [0, 2]]}, "must rise"),
        ({"points": [[0, 1]], "by": "metric"}, "belong together"),
        ({"points": [[0, 1]], "metric": "x"}, "belong together"),
        ({"points": [[0, 1], [1, 0]], "style": "exponential"}, "above 0"),
    ],
)
def test_refused(config: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        ScheduleConfig.model_validate(config)
