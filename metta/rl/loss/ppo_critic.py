"""The critic's loss of proximal policy optimisation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from metta.rl.loss.base import Loss, LossOutput, masked_mean
from metta.rl.loss.native_ppo import critic_loss, runs_natively
from metta.rl.loss.ppo_critic_config import PPOCriticConfig


class PPOCriticLoss(Loss[PPOCriticConfig]):
    """Half the squared error between value and return; with ``clip_vloss`` the larger one of the value itself and of
    the value clipped around the rollout's.

    Metrics: ``value_loss``. Source: arXiv:1707.06347 sec. 5; the clipping: arXiv:2005.12729 sec. 3.
    """

    reads = ("values",)
    batch_reads = ("values", "returns", "valid")

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        values, old_values, returns = output["values"], batch["values"], batch["returns"]
        clip = self.cfg.vf_clip_coef if self.cfg.clip_vloss else None
        if runs_natively(values, old_values, returns):
            weight = self.cfg.vf_coef
            loss, value_loss = critic_loss(values, old_values, returns, batch["valid"], clip=clip, weight=weight)
            return LossOutput(loss, {"value_loss": value_loss})
        error = (values - returns).square()
        if clip is not None:
            clipped = old_values + (values - old_values).clamp(-clip, clip)
            error = torch.max(error, (clipped - returns).square())
        value_loss = 0.5 * masked_mean(error, batch["valid"])
        return LossOutput(self.cfg.vf_coef * value_loss, {"value_loss": value_loss.detach()})
