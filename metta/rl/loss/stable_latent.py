"""States that change slowly."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.segments import shifted, steps_ahead
from metta.rl.loss.stable_latent_config import StableLatentConfig


class StableLatentLoss(Loss[StableLatentConfig]):
    """Mean over the steps of ``|z[t+1] - z[t]|^2``, both of one segment and episode, the final observation included.

    Metrics: ``latent_change``. Source: slowness, Wiskott and Sejnowski 2002, Neural Computation 14(4), eq. 1 without
    its constraints, which the other losses stand for.
    """

    batch_reads = ("terminated", "truncated", "valid")

    def __init__(self, cfg: StableLatentConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.key = cfg.key or setting.latent()[0]

    @property
    def policy_reads(self) -> tuple[str, ...]:
        return (self.key,)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        states = output[self.key]
        change = (shifted(states, 1) - states).square().flatten(2).sum(-1)
        loss = masked_mean(change, steps_ahead(batch) > 0)
        return LossOutput(loss, {"latent_change": loss.detach()})
