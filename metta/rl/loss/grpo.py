"""Group-relative policy optimisation: agents are compared with each other instead of with a critic."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from metta.common.errors import ConfigError
from metta.rl.experience import Experience
from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean, own_steps
from metta.rl.loss.grpo_config import GRPOConfig
from metta.rl.loss.segments import log_ratio, sums_to_come

if TYPE_CHECKING:
    from metta.agent.policy import ExperienceSpec


class GRPOLoss(Loss[GRPOConfig]):
    """Clipped surrogate of PPO with advantages that are relative to a group of agent rows::

        G[row, t] = r[row, t] + gamma G[row, t+1]                to the end of the episode or of the rollout
        A[row, t] = (G[row, t] - mean over the group of G[., t]) / deviation of the group over its rows and steps
        loss = mean of  -min(ratio A, clip(ratio) A) + kl_coef (1 / ratio - 1 + log ratio) - ent_coef H

    A group is the agents of ``group_environments`` consecutive environments (with ``same_agent``, those of one number).
    Its rows stood at step t of the rollout together, with as many steps to come, so that their mean is a baseline that
    no action of the others' episodes bends; what happens after the rollout counts for none of them. Rows that are away
    or only reset are left out of the mean; a row that is alone at a step has advantage 0. Agents of one environment
    share their luck, but helping a team mate raises the baseline too: group several environments when they cooperate.

    Metrics: as ``ppo_actor``, and ``deviation`` (of G within the groups). Source: arXiv:2402.03300 eq. 3 and 4, with
    rewards of each step as in its sec. 4.1.3; ``scale=false``: arXiv:2503.20783.
    """

    reads = ("act_log_prob", "entropy")
    batch_reads = ("act_log_prob", "valid")

    def __init__(self, cfg: GRPOConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.gamma, self.key = setting.config.gamma, f"{setting.name}_advantages"
        self.num_agents = setting.policy.spec.num_agents
        self.num_envs = setting.num_rows // self.num_agents
        self.environments = cfg.group_environments or self.num_envs
        self._check_groups(setting.name)
        self.deviation = torch.zeros((), device=setting.device)

    def _check_groups(self, name: str) -> None:
        where = f"trainer.losses.{name}.group_environments={self.cfg.group_environments}"
        if self.num_envs % self.environments:
            raise ConfigError(
                f"{where} does not divide {self.num_envs} environments into groups of equal size. Set it to a divisor "
                "(1: each environment is a group, 0: all are one), or change training_env.num_envs."
            )
        members = self.environments * (1 if self.cfg.same_agent else self.num_agents)
        if members < 2:
            raise ConfigError(
                f"{where} with {self.num_agents} agents per environment and same_agent={self.cfg.same_agent} makes "
                f"groups of one row, which has nobody to be compared with. Set trainer.losses.{name}"
                ".group_environments=0, or more of training_env.num_envs."
            )

    @property
    def prepared_spec(self) -> ExperienceSpec:
        return {self.key: ((), torch.float32)}

    @torch.no_grad()
    def prepare(self, experience: Experience) -> None:
        line = experience.timeline
        advantages, self.deviation = self.advantages(
            line("rewards"), line("terminated") | line("truncated"), line("valid")
        )
        line(self.key).copy_(advantages)

    def advantages(self, rewards: Tensor, ends: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
        """Advantages, and the mean of the groups' deviations.

        Shapes: all ``[rows, steps]``; the deviation ``()``.
        """
        returns = sums_to_come(rewards, torch.full_like(rewards, self.gamma).masked_fill(ends, 0.0))
        grouped, counts = self._groups(returns), self._groups(valid).float()
        present = counts.sum(1, keepdim=True)
        mean = (grouped * counts).sum(1, keepdim=True) / present.clamp(min=1)
        centred = (grouped - mean) * counts * (present > 1)
        total = counts.sum((1, 2), keepdim=True).clamp(min=1)
        deviation = (centred.square().sum((1, 2), keepdim=True) / total).sqrt()
        relative = centred / (deviation + 1e-6) if self.cfg.scale else centred
        return self._rows(relative), deviation.mean()

    def _groups(self, rows: Tensor) -> Tensor:
        """``[rows, steps] -> [groups, members, steps]``; rows are environments x agents."""
        each = rows.view(-1, self.environments, self.num_agents, rows.shape[1])
        return (each.transpose(1, 2).flatten(0, 1)) if self.cfg.same_agent else each.flatten(1, 2)

    def _rows(self, groups: Tensor) -> Tensor:
        """The way back from ``_groups``."""
        if self.cfg.same_agent:
            groups = groups.view(-1, self.num_agents, self.environments, groups.shape[2]).transpose(1, 2)
        return groups.reshape(-1, groups.shape[-1])

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        valid, advantages, clip = own_steps(batch), batch[self.key], self.cfg.clip_coef
        change = log_ratio(batch, output)
        ratio = change.exp()
        surrogate = torch.min(ratio * advantages, ratio.clamp(1 - clip, 1 + clip) * advantages)
        policy_loss = -masked_mean(surrogate, valid)
        entropy = masked_mean(output["entropy"], valid)
        loss = policy_loss - self.cfg.ent_coef * entropy
        if self.cfg.kl_coef > 0:
            loss = loss + self.cfg.kl_coef * masked_mean((-change).exp() - 1 + change, valid)
        with torch.no_grad():
            metrics = {
                "policy_loss": policy_loss.detach(),
                "entropy": entropy.detach(),
                "approx_kl": masked_mean(ratio - 1 - change, valid),
                "clipfrac": masked_mean(((ratio - 1).abs() > clip).float(), valid),
                "importance": masked_mean(ratio, valid),
                "deviation": self.deviation,
            }
        return LossOutput(loss, metrics)
