"""Contrastive prediction: a state must be told from others by the state that led to it."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.nn import functional

from metta.common.seeding import derive_seed
from metta.rl.loss.base import Loss, LossOutput, LossSetting
from metta.rl.loss.contrastive_config import ContrastiveConfig
from metta.rl.loss.segments import steps_ahead


class ContrastiveLoss(Loss[ContrastiveConfig]):
    """InfoNCE between states z[t] and z[t+k] of one segment and episode, k drawn from a geometric distribution::

        loss = mean over pairs i of -log( exp(s[i, i] / temperature) / sum over j of exp(s[i, j] / temperature) )
        s[i, j] = cosine of predict(project(z[t_i])) and project(z[t_j + k_j])          k ~ discount^k, cut at the end

    z is what the actor head reads; project and predict are layers of this loss. ``num_pairs`` starts are drawn from the
    minibatch's steps that have a later one, with replacement; a pair with the same later state is no negative. The
    draws come from a generator of this loss, which is part of the trainer's state.

    Metrics: ``contrastive_loss``, ``accuracy`` (share of pairs whose own is the most similar), ``steps_ahead`` (mean
    k). Source: arXiv:1807.03748 eq. 4; k as in arXiv:2206.07568 sec. 4.
    """

    batch_reads = ("terminated", "truncated", "valid")

    def __init__(self, cfg: ContrastiveConfig, setting: LossSetting) -> None:
        super().__init__(cfg, setting)
        self.key, width = setting.latent()
        self.project = nn.Linear(width, cfg.projection_size)
        self.predict = nn.Linear(cfg.projection_size, cfg.projection_size)
        self.generator = torch.Generator().manual_seed(derive_seed(setting.seed, "pairs"))

    @property
    def policy_reads(self) -> tuple[str, ...]:
        return (self.key,)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        states = output[self.key].flatten(0, 1)
        chosen = self.draw(steps_ahead(batch))
        if chosen is None:
            nothing = self.predict(self.project(states[:1])).sum() * 0.0  # keeps every parameter in the graph
            zero = torch.zeros((), device=states.device)
            return LossOutput(nothing, dict.fromkeys(("contrastive_loss", "accuracy", "steps_ahead"), zero))
        start, later = (index.to(states.device) for index in chosen)
        queries = functional.normalize(self.predict(self.project(states[start])), dim=-1)
        keys = functional.normalize(self.project(states[later]), dim=-1)
        scores = queries @ keys.T / self.cfg.temperature
        own = torch.arange(len(start), device=states.device)
        same = (later[:, None] == later[None, :]) & (own[:, None] != own[None, :])
        scores = scores.masked_fill(same, -math.inf)
        loss = functional.cross_entropy(scores, own)
        metrics = {
            "contrastive_loss": loss.detach(),
            "accuracy": (scores.detach().argmax(1) == own).float().mean(),
            "steps_ahead": (later - start).float().mean(),
        }
        return LossOutput(loss, metrics)

    def draw(self, ahead: Tensor) -> tuple[Tensor, Tensor] | None:
        """Indices of pairs in the flattened minibatch; None when no step has a later one.

        Shapes: ``ahead [s, T] int64``: how many later steps there are; results ``[num_pairs] int64``.
        """
        room = ahead.flatten().cpu()
        starts = room.nonzero().squeeze(1)
        if not len(starts):
            return None
        pairs = self.cfg.num_pairs
        start = starts[torch.randint(len(starts), (pairs,), generator=self.generator)]
        # The inverse of a geometric distribution that is cut at the last later step.
        most = room[start].double()
        uniform = torch.rand(pairs, generator=self.generator, dtype=torch.float64)
        share = uniform * -torch.expm1(most * math.log(self.cfg.discount))
        steps = 1 + (torch.log1p(-share) / math.log(self.cfg.discount)).floor().long()
        return start, start + torch.minimum(steps, room[start])

    def rollout_state(self) -> dict[str, Tensor]:
        return {"generator": self.generator.get_state()}

    def load_rollout_state(self, state: Mapping[str, Tensor]) -> None:
        self.generator.set_state(state["generator"].cpu())
