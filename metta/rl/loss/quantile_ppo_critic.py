"""The critic's loss over quantiles of the return."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from metta.common.errors import KeyContractError
from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.quantile_ppo_critic_config import QuantilePPOCriticConfig

_KEY = "value_quantiles"


class QuantilePPOCriticLoss(Loss[QuantilePPOCriticConfig]):
    """Quantile Huber loss between the return R and N quantiles q of it, at the midpoints tau = (i + 1/2) / N::

        u = R - q[i]      loss = mean over i of |tau[i] - (u < 0)| * huber(u) / k
        huber(u) = u^2 / 2 where |u| <= k, else k (|u| - k / 2)                      k = cfg.huber; 0: |u| in its place

    The equation's sum over i is a mean here, so that ``vf_coef`` means the same for any N.

    Metrics: ``value_loss``, ``spread`` (mean distance of the quantiles from their mean). Source: arXiv:1710.10044 eq. 9
    and 10.
    """

    reads = (_KEY,)
    batch_reads = ("returns", "valid")

    def __init__(self, cfg: QuantilePPOCriticConfig, setting: LossSetting | None = None) -> None:
        super().__init__(cfg, setting)
        if setting is not None and _KEY not in setting.policy.network.out_keys:
            raise KeyContractError(
                f"trainer.losses.{setting.name} (type {cfg.kind}) reads {_KEY!r}, but this policy's critic gives the "
                "value alone. Set policy_architecture.critic_quantiles=25, put a QuantileValueHead into the network, "
                "or use ppo_critic."
            )

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        quantiles = output[_KEY]
        count, limit = quantiles.shape[-1], self.cfg.huber
        levels = (torch.arange(count, device=quantiles.device) + 0.5) / count
        errors = batch["returns"].unsqueeze(-1) - quantiles
        size = errors.abs()
        if limit > 0:
            size = torch.where(size <= limit, 0.5 * size.square() / limit, size - 0.5 * limit)
        value_loss = masked_mean(((levels - (errors.detach() < 0).float()).abs() * size).mean(-1), batch["valid"])
        with torch.no_grad():
            spread = masked_mean((quantiles - quantiles.mean(-1, keepdim=True)).abs().mean(-1), batch["valid"])
        return LossOutput(self.cfg.vf_coef * value_loss, {"value_loss": value_loss.detach(), "spread": spread})
