"""V-trace: an actor-critic whose targets are corrected for what the policy has changed since the rollout."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean, own_steps
from metta.rl.loss.segments import ended, following_values, log_ratio, sums_to_come
from metta.rl.loss.vtrace_config import VTraceConfig
from metta.rl.objective import normalize


class VTraceLoss(Loss[VTraceConfig]):
    """Policy gradient towards V-trace advantages, values towards V-trace targets, an entropy bonus::

        rho[t] = min(rho_clip, ratio[t])    c[t] = lambda min(c_clip, ratio[t])    ratio = pi / pi of the rollout
        delta[t] = rho[t] (r[t] + gamma V[t+1] - V[t])
        v[t] = V[t] + delta[t] + gamma c[t] (v[t+1] - V[t+1])
        loss = mean(-rho[t] (r[t] + gamma v[t+1] - V[t]) log pi[t] + vf_coef/2 (v[t] - V[t])^2 - ent_coef H[t])

    V are the present values; after a segment's last step stands the rollout's value. Termination is followed by 0, a
    truncation by V of the final observation; both end the sum. The discount is ``trainer.gamma``.

    Metrics: ``policy_loss``, ``value_loss``, ``entropy``, ``approx_kl``, ``importance`` (mean ratio), ``clipfrac``
    (ratios above ``rho_clip``). Source: arXiv:1802.01561 eq. 1 and sec. 4.2; lambda: its remark 2.
    """

    reads = ("act_log_prob", "entropy", "values")
    batch_reads = ("act_log_prob", "rewards", "terminated", "truncated", "next_values", "valid")

    def __init__(self, cfg: VTraceConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.gamma = setting.config.gamma

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        cfg, valid, values = self.cfg, batch["valid"], output["values"]
        with torch.no_grad():
            change = log_ratio(batch, output)
            ratio = change.exp()
            targets, advantages = self.targets(batch, values, ratio)
            if cfg.normalize_advantages:
                advantages = normalize(advantages, valid)
        own = own_steps(batch)
        log_prob = torch.where(own, output["act_log_prob"], 0.0)
        policy_loss = -masked_mean(log_prob * advantages, own)
        value_loss = 0.5 * masked_mean((values - targets).square(), valid)
        entropy = masked_mean(output["entropy"], valid)
        metrics = {
            "policy_loss": policy_loss.detach(),
            "value_loss": value_loss.detach(),
            "entropy": entropy.detach(),
            "approx_kl": masked_mean(ratio - 1 - change, valid),
            "importance": masked_mean(ratio, valid),
            "clipfrac": masked_mean((ratio > cfg.rho_clip).float(), valid),
        }
        return LossOutput(policy_loss + cfg.vf_coef * value_loss - cfg.ent_coef * entropy, metrics)

    @torch.no_grad()
    def targets(self, batch: Mapping[str, Tensor], values: Tensor, ratio: Tensor) -> tuple[Tensor, Tensor]:
        """What values and log-probabilities are pulled towards and by.

        Shapes: all ``[s, T] float32``.
        """
        rewards, ends = batch["rewards"], ended(batch)
        rho = ratio.clamp(max=self.cfg.rho_clip)
        carried = self.cfg.vtrace_lambda * ratio.clamp(max=self.cfg.c_clip)
        following = following_values(values, batch)
        deltas = rho * (rewards + self.gamma * following - values)
        corrections = sums_to_come(deltas, (self.gamma * carried).masked_fill(ends, 0.0))
        later = torch.cat([corrections[:, 1:], torch.zeros_like(corrections[:, :1])], dim=1).masked_fill(ends, 0.0)
        return values + corrections, rho * (rewards + self.gamma * (following + later) - values)
