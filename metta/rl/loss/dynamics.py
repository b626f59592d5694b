"""Prediction of returns and rewards, to give the state something to know."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.dynamics_config import DynamicsConfig


class DynamicsLoss(Loss[DynamicsConfig]):
    """Squared errors of two predictions from state z[t] and action a[t]::

        x = relu(W z[t] + U[a[t]])        loss = returns_coef (q(x) - R[t])^2 / 2 + reward_coef (p(x) - r[t])^2 / 2

    z is what the actor head reads, R the target of the critic (``batch["returns"]``, across ends of episodes as there);
    W, U, q and p are layers of this loss. The gradient reaches them and z.

    Metrics: ``returns_loss``, ``reward_loss``. Source: reward prediction as an auxiliary task, arXiv:1611.05397 sec.
    3.2; value and reward of a state and an action: arXiv:1707.03497 sec. 3.2.
    """

    batch_reads = ("action", "returns", "rewards", "valid")

    def __init__(self, cfg: DynamicsConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.key, width = setting.latent()
        self.state = nn.Linear(width, cfg.hidden_size)
        self.action = nn.Embedding(setting.policy.spec.num_actions, cfg.hidden_size)
        self.heads = nn.Linear(cfg.hidden_size, 2)

    @property
    def policy_reads(self) -> tuple[str, ...]:
        return (self.key,)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        hidden = torch.relu(self.state(output[self.key]) + self.action(batch["action"]))
        returns, reward = self.heads(hidden).unbind(-1)
        returns_loss = 0.5 * masked_mean((returns - batch["returns"]).square(), batch["valid"])
        reward_loss = 0.5 * masked_mean((reward - batch["rewards"]).square(), batch["valid"])
        loss = self.cfg.returns_coef * returns_loss + self.cfg.reward_coef * reward_loss
        return LossOutput(loss, {"returns_loss": returns_loss.detach(), "reward_loss": reward_loss.detach()})
