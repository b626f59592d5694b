"""Prediction of later states as a slowly following copy of the policy sees them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from metta.agent.policy import build_policy
from metta.rl.loss.base import Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.latent_ema_config import LatentEMAConfig
from metta.rl.loss.segments import shifted, steps_ahead

if TYPE_CHECKING:
    from metta.agent.policy import Policy


class LatentEMALoss(Loss[LatentEMAConfig]):
    """States some steps ahead, predicted one from the other with the actions that were taken::

        y[t, 0] = z[t]      y[t, k] = y[t, k-1] + next(y[t, k-1], a[t+k-1])
        loss = mean over k = 1 .. horizon and steps t of  1 - cosine(predict(y[t, k]), z'[t+k])

    z is what the actor head reads; z' the same of a copy of the policy whose weights follow by ``ema_decay`` after each
    optimizer step, without gradient. Pairs lie in one segment and one episode, its final observation included. The copy
    is no parameter of this loss: no optimizer touches it; it is part of the trainer's state.

    Metrics: ``latent_loss``, ``similarity`` (mean cosine). Source: arXiv:2007.05929 eq. 2 to 4; one step of it:
    arXiv:2006.07733 eq. 2.
    """

    batch_reads = ("action", "terminated", "truncated", "valid")

    def __init__(self, cfg: LatentEMAConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.key, width = setting.latent()
        policy = setting.policy
        copy = build_policy(policy.config, policy.spec, device=setting.device, seed=0).requires_grad_(False)
        copy.load_state_dict(policy.state_dict())
        copy.provide((self.key,), f"trainer.losses.{setting.name} (type {cfg.kind})")
        self._pair: tuple[Policy, Policy] = (policy, copy)  # in a tuple: out of sight of nn.Module
        self.state = nn.Linear(width, cfg.hidden_size)
        self.action = nn.Embedding(policy.spec.num_actions, cfg.hidden_size)
        self.change = nn.Linear(cfg.hidden_size, width)
        self.predict = nn.Linear(width, width)

    @property
    def policy_reads(self) -> tuple[str, ...]:
        return (self.key,)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        with torch.no_grad():
            seen = self._pair[1].evaluate(batch)[self.key]
        ahead, guess = steps_ahead(batch), output[self.key]
        losses: list[Tensor] = []
        for k in range(1, self.cfg.horizon + 1):
            action = shifted(batch["action"], k - 1)
            guess = guess + self.change(torch.relu(self.state(guess) + self.action(action)))
            cosine = functional.cosine_similarity(self.predict(guess), shifted(seen, k), dim=-1)
            losses.append(masked_mean(1 - cosine, ahead >= k))
        loss = torch.stack(losses).mean()
        return LossOutput(loss, {"latent_loss": loss.detach(), "similarity": 1 - losses[0].detach()})

    @torch.no_grad()
    def after_step(self) -> None:
        policy, copy = self._pair
        followed = policy.state_dict()
        for name, value in copy.state_dict().items():
            if value.is_floating_point():
                value.lerp_(followed[name], 1 - self.cfg.ema_decay)
            else:
                value.copy_(followed[name])

    def rollout_state(self) -> dict[str, Tensor]:
        return {name: value.clone() for name, value in self._pair[1].state_dict().items()}

    def load_rollout_state(self, state: Mapping[str, Tensor]) -> None:
        self._pair[1].load_state_dict(dict(state))
