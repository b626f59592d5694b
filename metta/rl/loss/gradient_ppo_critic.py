"""The critic's loss of gradient-corrected temporal differences."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.gradient_ppo_critic_config import GradientPPOCriticConfig
from metta.rl.loss.segments import ended, following_values, sums_to_come


class GradientPPOCriticLoss(Loss[GradientPPOCriticConfig]):
    """TDRC(lambda) on segments; a linear head h of this loss, on what the value head reads, estimates the error::

        delta[t] = r[t] + gamma V[t+1] - V[t]           dl[t] = delta[t] + gamma lambda dl[t+1]
        value loss = mean of  h dl - (dl - h) V         (gradient through the first dl and the last V alone)
        auxiliary loss = mean of (dl - h)^2 / 2  +  beta/2 |weights of h|^2        (gradient through h alone)

    V are the present values; after a segment's last step stands the rollout's, as a constant. Termination is followed
    by 0, a truncation by V of the final observation; both end the sum. h begins at 0: so does ordinary TD(lambda).

    Metrics: ``value_loss`` (mean of dl^2 / 2), ``aux_loss``, ``correction`` (mean of |h|). Source: arXiv:2507.09087,
    TDRC(lambda), forward view; the regularised h: arXiv:2007.00611.
    """

    batch_reads = ("rewards", "terminated", "truncated", "next_values", "valid")

    def __init__(self, cfg: GradientPPOCriticConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.gamma, self.default_lambda = setting.config.gamma, setting.config.gae_lambda
        self.key, width = setting.latent("values")
        self.head = nn.Linear(width, 1)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    @property
    def policy_reads(self) -> tuple[str, ...]:
        return ("values", self.key)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        cfg, valid, values = self.cfg, batch["valid"], output["values"]
        sums = self.errors(batch, values)
        estimate = self.head(output[self.key].detach()).squeeze(-1)
        error, known = sums.detach(), estimate.detach()
        value_loss = masked_mean(known * sums - (error - known) * values, valid)
        squares = torch.stack([weight.square().sum() for weight in self.head.parameters()]).sum()
        aux_loss = 0.5 * masked_mean((error - estimate).square(), valid) + 0.5 * cfg.beta * squares
        metrics = {
            "value_loss": 0.5 * masked_mean(error.square(), valid),
            "aux_loss": aux_loss.detach(),
            "correction": masked_mean(known.abs(), valid),
        }
        return LossOutput(cfg.vf_coef * value_loss + cfg.aux_coef * aux_loss, metrics)

    def errors(self, batch: Mapping[str, Tensor], values: Tensor) -> Tensor:
        """The lambda-weighted sums of temporal differences, with gradients.

        Shapes: ``[s, T] float32``.
        """
        gae_lambda = self.default_lambda if self.cfg.gae_lambda is None else self.cfg.gae_lambda
        deltas = batch["rewards"] + self.gamma * following_values(values, batch) - values
        decay = torch.full_like(values, self.gamma * gae_lambda).masked_fill(ended(batch), 0.0)
        return sums_to_come(deltas, decay.detach())
