"""Minibatches of segments that surprised the critic more often than of others."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from tensordict import TensorDict
from torch import Tensor

from metta.rl.experience import Experience
from metta.rl.sampling_config import SamplingConfig

WEIGHTS = "sample_weights"
"""Key ``[s] float32`` of a minibatch: what the objective multiplies the normalised advantages of a segment by."""

_FLOOR = 1e-6


def draw_minibatches(
    experience: Experience, config: SamplingConfig, progress: float, generator: torch.Generator
) -> Iterator[TensorDict]:
    """The minibatches of one pass: as many as hold the batch, drawn as ``config`` says from ``generator`` (CPU).

    Prioritised ones are drawn with replacement: a segment may come several times, or not at all.
    """
    if config.method == "sequential":
        yield from experience.minibatches(generator)
        return
    chances = probabilities(experience.buffer["advantages"], experience.buffer["valid"], config.prio_alpha).cpu()
    weights = importance_weights(chances, beta_at(config, progress)).to(experience.device)
    drawn = torch.multinomial(chances, experience.num_segments, replacement=True, generator=generator)
    for chunk in drawn.to(experience.device).split(experience.minibatch_segments):
        yield experience.gather(chunk).copy().set(WEIGHTS, weights[chunk])


def probabilities(advantages: Tensor, valid: Tensor, alpha: float) -> Tensor:
    """``P(i) = p_i^alpha / sum_k p_k^alpha`` with ``p_i`` the mean ``|advantage|`` over a segment's valid steps.

    Shapes: both ``[S, T]``; result ``[S]``. Source: arXiv:1511.05952 eq. 1, with advantages for errors.
    """
    sizes = torch.where(valid, advantages.abs(), 0.0).sum(dim=1) / valid.sum(dim=1).clamp(min=1)
    shares = (sizes + _FLOOR).pow(alpha)
    return shares / shares.sum()


def importance_weights(chances: Tensor, beta: float) -> Tensor:
    """``(S P(i))^-beta``: with ``beta`` 1 the mean over draws is the mean over segments again.

    Not divided by their maximum, as advantages are normalised: a weight of 1 stays the size of an ordinary segment.

    Shapes: ``[S]``. Source: arXiv:1511.05952 sec. 3.4.
    """
    return (chances * chances.numel()).pow(-beta)


def beta_at(config: SamplingConfig, progress: float) -> float:
    """From ``prio_beta0`` at the start of the training to 1 at its end."""
    return config.prio_beta0 + (1 - config.prio_beta0) * min(max(progress, 0.0), 1.0)
