"""Rewards made easier to learn from, between the rollout and the advantages."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from metta.rl.experience import Experience
from metta.rl.rewards_config import RewardsConfig

Reduce = Callable[[Tensor], Tensor]
"""Sum over all ranks, elementwise; the identity in a training of one process."""


class RewardShaping:
    """Changes the rewards of an experience in place; remembers running statistics in float64.

    *Centering* subtracts the average reward of a step, an exponential average whose start is corrected for::

        a <- (1 - rate) a + rate m_t     w <- (1 - rate) w + rate     r' = r - a / w      m_t: mean over rows at step t

    *Normalization* divides by the deviation of the discounted returns that rows have collected so far::

        G_t = gamma G_(t-1) + r'_t  (0 after an episode's end)        r'' = r' / sqrt(Var[G] + epsilon)

    Averages, counts and variances are those of all ranks; ``G`` is each rank's own.

    Source: arXiv:2405.09999 eq. 2 (simple centering); arXiv:2005.12729 algorithm 1 (reward scaling).
    """

    def __init__(
        self,
        config: RewardsConfig,
        num_rows: int,
        gamma: float,
        *,
        device: torch.device | str = "cpu",
        reduce: Reduce = lambda tensor: tensor,
    ) -> None:
        self.config, self.gamma, self.reduce = config, gamma, reduce
        self._average = torch.zeros(2, dtype=torch.float64, device=device)  # a, w
        self._returns = torch.zeros(num_rows, dtype=torch.float64, device=device)
        self._moments = torch.zeros(3, dtype=torch.float64, device=device)  # count, mean, sum of squared distances

    def apply(self, experience: Experience) -> dict[str, float]:
        """Shape the rewards of the valid steps; returns ``experience/*``, the raw mean among them. One sync."""
        if not self.config.is_on:
            return {}
        line = experience.timeline
        rewards, valid = line("rewards"), line("valid")
        shaped = torch.where(valid, rewards, 0.0).double()
        told = {"experience/rewards": _mean(shaped, valid)}
        if self.config.centering.enabled:
            told["experience/reward_average"] = average = self._follow_average(shaped, valid)
            shaped = torch.where(valid, shaped - average, 0.0)
        if self.config.normalization.enabled:
            told["experience/reward_scale"] = scale = self._follow_scale(shaped, valid, line)
            shaped = shaped / scale
        if self.config.clip is not None:
            shaped = shaped.clamp(-self.config.clip, self.config.clip)
        rewards.copy_(torch.where(valid, shaped, rewards))
        told["experience/shaped_rewards"] = _mean(shaped, valid)
        return dict(zip(told, torch.stack(list(told.values())).tolist(), strict=True))

    def state(self) -> dict[str, Tensor]:
        """What the next rollout's rewards depend on; empty where nothing is done to rewards."""
        if not self.config.is_on:
            return {}
        return {"average": self._average, "returns": self._returns, "moments": self._moments}

    def load_state(self, state: Mapping[str, Tensor]) -> None:
        """Go back to what ``state`` told."""
        for name, mine in self.state().items():
            if name in state:
                mine.copy_(state[name])

    def _follow_average(self, rewards: Tensor, valid: Tensor) -> Tensor:
        sums = self.reduce(torch.stack([rewards.sum(dim=0), valid.sum(dim=0).double()]))
        seen = sums[1] > 0
        means = torch.where(seen, sums[0] / sums[1].clamp(min=1), 0.0)
        steps = seen.double()
        left = (1 - self.config.centering.rate) ** (steps.sum() - steps.cumsum(0))  # what later steps leave of one
        shares = self.config.centering.rate * left * steps
        kept = (1 - self.config.centering.rate) ** steps.sum()
        self._average.mul_(kept).add_(torch.stack([(shares * means).sum(), shares.sum()]))
        return self._average[0] / self._average[1].clamp(min=1e-300)

    def _follow_scale(self, rewards: Tensor, valid: Tensor, line: Callable[[str], Tensor]) -> Tensor:
        ended = line("terminated") | line("truncated")
        count, mean, squares = self._moments.unbind()
        batch = torch.zeros_like(self._moments)
        for step in range(rewards.shape[1]):
            self._returns.mul_(self.gamma).add_(rewards[:, step])
            off = torch.where(valid[:, step], self._returns - mean, 0.0)
            batch += torch.stack([valid[:, step].sum().double(), off.sum(), off.square().sum()])
            self._returns.masked_fill_(ended[:, step], 0.0)
        number, total, distance = self.reduce(batch).unbind()
        shift = total / number.clamp(min=1)
        both = (count + number).clamp(min=1)
        squares = squares + distance - number * shift.square() + shift.square() * count * number / both
        self._moments.copy_(torch.stack([count + number, mean + shift * number / both, squares]))
        variance = (squares / both).clamp(min=0)
        return torch.where(variance > 0, (variance + self.config.normalization.epsilon).sqrt(), 1.0)


def _mean(values: Tensor, valid: Tensor) -> Tensor:
    return torch.where(valid, values, 0.0).sum() / valid.sum().clamp(min=1)
