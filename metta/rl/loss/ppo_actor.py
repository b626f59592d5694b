"""The actor's loss of proximal policy optimisation."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from metta.rl.loss.base import Loss, LossOutput, masked_mean, own_steps
from metta.rl.loss.native_ppo import actor_loss, runs_natively
from metta.rl.loss.ppo_actor_config import PPOActorConfig


class PPOActorLoss(Loss[PPOActorConfig]):
    """Clipped surrogate with entropy bonus.

    Steps at which a teacher acted in the policy's stead are left out: the formula supposes actions drawn from the
    policy, and a teacher's are not, whatever probability the policy gives them.

    Metrics: ``policy_loss``, ``entropy``, ``approx_kl`` (the k3 estimator), ``clipfrac``, ``importance`` (mean ratio).
    Source: arXiv:1707.06347 eq. 7 and 9.
    """

    reads = ("act_log_prob", "entropy")
    batch_reads = ("act_log_prob", "advantages", "valid")

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        valid, advantages, clip = own_steps(batch), batch["advantages"], self.cfg.clip_coef
        tensors = (output["act_log_prob"], output["entropy"], batch["act_log_prob"], advantages)
        if runs_natively(*tensors):
            return LossOutput(*actor_loss(*tensors, valid, clip=clip, ent=self.cfg.ent_coef))
        # Ignored steps get ratio 1 before the exponential: an infinite one times zero would poison the gradient.
        log_ratio = torch.where(valid, output["act_log_prob"] - batch["act_log_prob"], 0.0)
        ratio = log_ratio.exp()
        surrogate = torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
        policy_loss = -masked_mean(surrogate, valid)
        entropy = masked_mean(output["entropy"], valid)
        with torch.no_grad():
            metrics = {
                "policy_loss": policy_loss.detach(),
                "entropy": entropy.detach(),
                "approx_kl": masked_mean(ratio - 1 - log_ratio, valid),
                "clipfrac": masked_mean(((ratio - 1).abs() > clip).float(), valid),
                "importance": masked_mean(ratio, valid),
            }
        return LossOutput(policy_loss - self.cfg.ent_coef * entropy, metrics)
