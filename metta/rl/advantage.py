"""Generalised advantage estimation: native on the CPU, a parallel scan on a GPU."""

from __future__ import annotations

import torch
from torch import Tensor

from metta.common import _kernels
from metta.common.errors import ShapeContractError
from metta.rl.experience import Experience


def compute_gae(
    values: Tensor,
    rewards: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    bootstrap: Tensor,
    gamma: float,
    gae_lambda: float,
    *,
    out: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    """Advantages and returns (= advantages + values), the targets of actor and critic.

    Column t belongs to the action taken at t: ``rewards`` is what it earned, the flags say how its episode ended with
    it. A terminated step is followed by value 0; a truncated one by the value of its final observation, which is the
    next column. Both end the sum over later steps.

    Shapes: ``values``, ``rewards [S, T] float32``; ``terminated``, ``truncated [S, T] bool``; ``bootstrap [S]
    float32``: value after the last column; both results ``[S, T] float32``. ``out`` receives the advantages.
    Source: arXiv:1506.02438 eq. 16.

    >>> one = torch.ones(1, 2)
    >>> no = torch.zeros(1, 2, dtype=torch.bool)
    >>> compute_gae(0 * one, one, no, no, torch.zeros(1), gamma=0.5, gae_lambda=1.0)[0]
    tensor([[1.5000, 1.0000]])
    """
    for name, tensor in (("rewards", rewards), ("terminated", terminated), ("truncated", truncated)):
        if tensor.shape != values.shape:
            raise ShapeContractError(f"compute_gae: {name} is {list(tensor.shape)}, values is {list(values.shape)}.")
    advantages = torch.empty_like(values) if out is None else out
    if values.device.type == "cpu":
        _kernels.gae(
            values.numpy(),
            rewards.numpy(),
            terminated.numpy(),
            truncated.numpy(),
            bootstrap.numpy(),
            gamma,
            gae_lambda,
            advantages.numpy(),
        )
    else:
        advantages.copy_(gae_by_scan(values, rewards, terminated, truncated, bootstrap, gamma, gae_lambda))
    return advantages, advantages + values


def gae_by_scan(
    values: Tensor,
    rewards: Tensor,
    terminated: Tensor,
    truncated: Tensor,
    bootstrap: Tensor,
    gamma: float,
    gae_lambda: float,
) -> Tensor:
    """The same advantages in log2(T) vectorised passes instead of T steps.

    ``A[t] = delta[t] + c[t] A[t+1]`` is a composition of affine maps, so sums over 1, 2, 4, … steps are joined::

        (delta, c)[t]  <-  (delta[t] + c[t] delta[t+n], c[t] c[t+n])        n = 1, 2, 4, ...

    Shapes: as :func:`compute_gae`.
    """
    next_values = torch.cat([values[:, 1:], bootstrap[:, None]], dim=1)
    sums = rewards + gamma * next_values.masked_fill(terminated, 0.0) - values
    decay = torch.full_like(values, gamma * gae_lambda).masked_fill_(terminated | truncated, 0.0)
    reach, horizon = 1, values.shape[1]
    while reach < horizon:  # right-hand sides are built whole before they are assigned
        sums[:, :-reach] = sums[:, :-reach] + decay[:, :-reach] * sums[:, reach:]
        decay[:, :-reach] = decay[:, :-reach] * decay[:, reach:]
        reach *= 2
    return sums


def fill_advantages(experience: Experience, gamma: float, gae_lambda: float) -> None:
    """Advantages, returns and, where it has them, ``next_values`` of a collected experience."""
    line = experience.timeline
    _, returns = compute_gae(
        line("values"),
        line("rewards"),
        line("terminated"),
        line("truncated"),
        experience.bootstrap,
        gamma,
        gae_lambda,
        out=line("advantages"),
    )
    line("returns").copy_(returns)
    if "next_values" in experience.timelines:
        following = line("next_values")
        following[:, :-1] = line("values")[:, 1:]
        following[:, -1] = experience.bootstrap
        following.masked_fill_(line("terminated"), 0.0)
