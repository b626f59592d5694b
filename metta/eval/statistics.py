"""Means over episodes with 95 % bootstrap intervals. Knows no torch."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from metta.common.config import Config
from metta.common.errors import NotANumberError
from metta.common.seeding import derive_seed
from metta.common.vector_env import EpisodeRecord

CONFIDENCE = 0.95
NUM_RESAMPLES = 2000
"""Bootstrap resamples. The interval's ends are then off by about 1 % of its width."""


class MetricSummary(Config):
    """A metric over ``n`` episodes. ``low`` and ``high`` bound the mean with 95 % confidence."""

    mean: float
    low: float
    high: float
    n: int = Field(ge=1)


def episode_metrics(episode: EpisodeRecord) -> dict[str, float]:
    """One number a metric for a whole episode: agents' numbers are averaged over those who took part."""
    metrics = {"reward": episode.mean(episode.rewards), "length": float(episode.length)}
    metrics |= {name: episode.mean(values) for name, values in episode.agent_stats.items()}
    metrics |= {f"game/{name}": float(value) for name, value in episode.game_stats.items()}
    return metrics


def summarize(samples: Mapping[str, NDArray[np.float64]], seed: int) -> dict[str, MetricSummary]:
    """Means and percentile-bootstrap intervals of metrics over the same episodes.

    Episodes are drawn with replacement as wholes, so that agents of one episode, which are not independent, stay
    together. All metrics share the draws, which depend on ``seed`` and the number of episodes only: equal samples get
    equal intervals, whatever the policy is called.

    Shapes: each sample array ``[n] float64``, one number an episode.

    Raises:
        NotANumberError: a metric is NaN or infinite in some episode.

    Source: Efron 1979, "Bootstrap methods: another look at the jackknife", percentile interval.
    """
    summaries: dict[str, MetricSummary] = {}
    tail = (1 - CONFIDENCE) / 2
    counts: NDArray[np.float64] | None = None
    for name in sorted(samples):
        sample = np.ascontiguousarray(samples[name], dtype=np.float64)
        n = len(sample)
        if not np.isfinite(sample).all():
            raise NotANumberError(f"metric {name!r} is NaN or infinite in some of {n} episodes; expected numbers.")
        if counts is None:
            counts = resample_counts(n, derive_seed(seed, "bootstrap", n))
        # One metric at a time and no BLAS: the rounding depends neither on the other metrics nor on threads.
        means = np.einsum("rn,n->r", counts, sample) / n
        mean, (low, high) = float(sample.mean()), np.quantile(means, [tail, 1 - tail])
        # The ends can miss the mean by rounding when all episodes are equal.
        summaries[name] = MetricSummary(mean=mean, low=min(float(low), mean), high=max(float(high), mean), n=n)
    return summaries


def resample_counts(n: int, seed: int) -> NDArray[np.float64]:
    """How often each of ``n`` episodes occurs in each bootstrap resample.

    Shapes: ``[NUM_RESAMPLES, n] float64``, rows sum to ``n``. Drawing counts (multinomial) is the same distribution
    as drawing episodes with replacement, and makes a resample's mean a weighted sum.
    """
    counts = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=NUM_RESAMPLES)
    return counts.astype(np.float64)


def summarize_episodes(episodes: Sequence[EpisodeRecord], seed: int) -> dict[str, MetricSummary]:
    """Summaries of all metrics that occur; an episode that lacks one counts as 0 (nothing of it happened)."""
    rows = [episode_metrics(episode) for episode in episodes]
    names: Iterable[str] = sorted({name for row in rows for name in row})
    return summarize({name: np.array([row.get(name, 0.0) for row in rows]) for name in names}, seed)
