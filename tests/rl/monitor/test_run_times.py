from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from metta.rl.context import UpdateStats
from metta.rl.monitor.run_times import RunTimes


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


Epoch = Callable[..., dict[str, float]]


@pytest.fixture
def epoch(ctx: Any, stats: Callable[..., UpdateStats], clock: Clock) -> Epoch:
    """An epoch of 100 agent-steps in 4 seconds: 2 rollout (1 of it the environments), 1 update, 1 hooks."""

    def run(part: RunTimes, reward: float | None = None) -> dict[str, float]:
        ctx.state.agent_step += 100
        clock.now += 4.0
        episodes = {} if reward is None else {"overview/reward": reward}
        return dict(part.measured(ctx, stats(episodes, rollout=2.0, rollout__env=1.0, update=1.0)))

    return run


def test_times_of_an_epoch(ctx: Any, clock: Clock, epoch: Epoch) -> None:
    part = RunTimes(clock)
    ctx.state.agent_step = 0
    clock.now += 50.0  # building the run does not count
    part.start(ctx)
    times = epoch(part, reward=3.0)
    assert times["overview/sps"] == times["timing_per_epoch/sps"] == times["overview/steps_per_second"] == 25.0
    assert times["overview/epoch_steps_per_second"] == pytest.approx(100 / 3)
    assert (times["metric/total_time"], times["metric/train_time"]) == (4.0, 3.0)
    assert times["timing_per_epoch/msec/rollout.env"] == 1000.0
    assert times["timing_per_epoch/frac/rollout"] == 0.5
    assert times["timing_per_epoch/frac/hooks"] == 0.25
    assert times["overview/reward_vs_total_time"] == 3.0
    assert "overview/reward_vs_total_time" not in epoch(part)


def test_speed_stays_right_after_a_resume(ctx: Any, clock: Clock, epoch: Epoch) -> None:
    """Two epochs, a pause of an hour, two more: the speed of a run that was not interrupted."""
    ctx.state.agent_step = 0
    first = RunTimes(clock)
    first.start(ctx)
    for _ in range(2):
        epoch(first)
    state = json.loads(json.dumps(first.state_dict()))
    epoch(first)  # is lost: the run was killed before it was committed
    ctx.state.agent_step = 200
    clock.now += 3600.0
    second = RunTimes(clock)
    second.load_state_dict(state)
    second.start(ctx)
    epoch(second)
    times = epoch(second)
    assert times["overview/sps"] == times["overview/steps_per_second"] == 25.0
    assert times["metric/total_time"] == 16.0
    assert times["timing_cumulative/rollout"] == 8.0


def test_a_run_from_before_times_were_saved_counts_from_here(ctx: Any, clock: Clock, epoch: Epoch) -> None:
    ctx.state.agent_step = 1_000_000
    part = RunTimes(clock)
    part.load_state_dict({})
    part.start(ctx)
    assert epoch(part)["overview/steps_per_second"] == 25.0
