"""Bootstrap intervals against plain numpy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metta.common.errors import NotANumberError
from metta.common.vector_env import EpisodeRecord
from metta.eval.statistics import (
    NUM_RESAMPLES,
    MetricSummary,
    episode_metrics,
    summarize,
    summarize_episodes,
)


def record(rewards: list[float], env: int = 0, **stats: list[float]) -> EpisodeRecord:
    return EpisodeRecord(
        env=env,
        episode=0,
        length=7,
        rewards=np.array(rewards, dtype=np.float32),
        terminated=False,
        truncated=True,
        agent_stats={name.replace("__", "."): np.array(values) for name, values in stats.items()},
        game_stats={"tokens_dropped": 3.0},
    )


def test_an_episode_becomes_means_over_its_agents() -> None:
    metrics = episode_metrics(record([1.0, 2.0, 6.0], heart__gained=[0.0, 1.0, 5.0]))
    assert metrics == {"reward": 3.0, "length": 7.0, "heart.gained": 2.0, "game/tokens_dropped": 3.0}


def test_intervals_equal_a_bootstrap_that_draws_rows() -> None:
    """The multinomial shortcut has the distribution of resampling with replacement, quantile by quantile."""
    sample = np.random.default_rng(3).gamma(2.0, 1.5, size=60)
    drawn = np.random.default_rng(4).choice(sample, size=(20_000, 60)).mean(axis=1)
    found = summarize({"x": sample}, seed=5)["x"]
    assert found.mean == pytest.approx(sample.mean(), rel=1e-12)
    width = np.quantile(drawn, 0.975) - np.quantile(drawn, 0.025)
    assert found.low == pytest.approx(np.quantile(drawn, 0.025), abs=0.05 * width)
    assert found.high == pytest.approx(np.quantile(drawn, 0.975), abs=0.05 * width)
    assert found.n == 60


def test_intervals_cover_the_true_mean_as_often_as_they_say() -> None:
    """Over 150 samples of 50 normal numbers the 95 % interval holds the true mean about so often."""
    rng = np.random.default_rng(0)
    found = [summarize({"x": rng.normal(2.0, 3.0, size=50)}, seed=index)["x"] for index in range(150)]
    covered = np.mean([summary.low <= 2.0 <= summary.high for summary in found])
    assert 0.89 <= covered <= 0.99


def test_equal_samples_get_equal_intervals_whatever_they_are_called() -> None:
    sample = np.random.default_rng(1).normal(size=20)
    first = summarize({"a": sample, "b": sample}, seed=9)
    assert first["a"] == first["b"]
    assert summarize({"a": sample}, seed=9)["a"] == first["a"]
    assert summarize({"a": sample}, seed=10)["a"] != first["a"]


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.integers(0, 2**62))
def test_the_interval_holds_the_mean_and_stays_within_the_sample(values: list[float], seed: int) -> None:
    summary = summarize({"x": np.array(values)}, seed=seed)["x"]
    slack = 1e-9 * max(1.0, *(abs(value) for value in values))
    assert summary.low <= summary.mean <= summary.high
    assert min(values) - slack <= summary.low
    assert summary.high <= max(values) + slack


def test_one_episode_has_an_interval_of_one_point() -> None:
    assert summarize({"x": np.array([4.5])}, seed=0)["x"] == MetricSummary(mean=4.5, low=4.5, high=4.5, n=1)


def test_resamples_are_many_enough_for_a_stable_interval() -> None:
    """Another seed moves the ends by less than a twentieth of the interval's width."""
    sample = np.random.default_rng(2).normal(size=100)
    a, b = summarize({"x": sample}, seed=1)["x"], summarize({"x": sample}, seed=2)["x"]
    assert abs(a.low - b.low) < 0.05 * (a.high - a.low)
    assert NUM_RESAMPLES >= 1000


def test_a_metric_that_an_episode_lacks_counts_as_zero() -> None:
    summaries = summarize_episodes([record([1.0], heart__gained=[4.0]), record([1.0], env=1)], seed=0)
    assert summaries["heart.gained"].mean == 2.0
    assert summaries["heart.gained"].n == 2


def test_not_a_number_is_refused_by_name() -> None:
    with pytest.raises(NotANumberError, match=r"'bad'.*2 episodes"):
        summarize({"bad": np.array([1.0, np.nan]), "good": np.array([1.0, 2.0])}, seed=0)
