"""Kickstarting: staying close to teachers, less and less."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from metta.agent.policy import ExperienceSpec
from metta.common.errors import ConfigError
from metta.rl.loss.base import LED, Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.kickstarter_config import KickstarterConfig
from metta.rl.loss.teacher_rows import NO_ADVICE, Advice, Teacher, lead
from metta.rl.schedule import Clock


class KickstarterLoss(Loss[KickstarterConfig]):
    """Mean over the advised valid steps of::

        action_coef_k T^2 KL(softmax(z_k / T) || softmax(z / T)) + value_coef_k (V - V_k)^2

    with the teacher k whose row it is, its logits z_k and value V_k, the policy's z and V, and the temperature T
    (``T^2`` keeps the size of the gradient, arXiv:1503.02531 sec. 2). Coefficients are products of the teacher's and
    the loss's own. Each teacher advises a run of rows of its own, with its own memory. A scripted teacher has no
    logits: its distribution is all on its action, so that the divergence is ``-log pi`` at temperature T; it has no
    values.

    By default the policy acts everywhere and teachers only look on, as in the paper. On ``teacher_led`` of the rows
    they act themselves, with the consequences that :class:`ActionSupervisedLoss` tells: the actor's loss of PPO leaves
    those steps out.

    What a teacher would do where the mask forbids it is left out, and the rest of its distribution scaled up; where
    nothing is left there is no advice. At weight 0 teachers are not run; they have forgotten everything when it rises.

    Metrics: ``teacher_kl`` (with T^2), ``teacher_value_error``.
    Source: arXiv:1803.03835 sec. 3; values: arXiv:1902.02186 sec. 3.
    """

    reads = ("log_probs", "values")
    batch_reads = ("valid",)
    acts = True

    def __init__(self, cfg: KickstarterConfig, setting: LossSetting | None = None) -> None:
        super().__init__(cfg, setting)
        name = setting.name if setting else "kickstarter"
        self._probs, self._values, self._which = (f"{name}/teacher_{key}" for key in ("probs", "values", "index"))
        self._leads = cfg.teacher_led > 0 or "teacher_led" in cfg.schedules
        self.teachers: tuple[Teacher, ...] = ()
        if setting is not None:
            self.teachers = _teachers(cfg, setting)
            setting.policy.shows_logits |= self._leads

    @property
    def weight(self) -> float:
        cfg = self.cfg
        used = any(cfg.action_coef * one.action_coef + cfg.value_coef * one.value_coef > 0 for one in cfg.teachers)
        return cfg.weight if used else 0.0

    @property
    def experience_spec(self) -> ExperienceSpec:
        assert self.setting is not None
        spec: ExperienceSpec = {
            self._probs: ((self.setting.policy.spec.num_actions,), torch.float32),
            self._values: ((), torch.float32),
            self._which: ((), torch.int64),
        }
        return spec | ({LED: ((), torch.bool)} if self._leads else {})

    def begin_epoch(self, clock: Clock) -> dict[str, float]:
        values = super().begin_epoch(clock)
        for teacher in self.teachers:
            teacher.rest_if(self.weight == 0)
        return values

    def act(self, inputs: Mapping[str, Any], td: dict[str, Any]) -> None:
        assert self.setting is not None
        action: Tensor = td["action"]
        td[self._which] = torch.full_like(action, NO_ADVICE)
        td[self._values] = torch.zeros_like(action, dtype=torch.float32)
        td[self._probs] = torch.zeros(len(action), self.setting.policy.spec.num_actions, device=action.device)
        if self._leads and LED not in td:
            td[LED] = torch.zeros_like(action, dtype=torch.bool)
        for index, teacher in enumerate(self.teachers):
            if teacher.asleep or (advice := teacher.advise(inputs)) is None:
                continue
            inside, mask = advice.inside, inputs.get("action_mask")
            probs = self._softened(advice, None if mask is None else mask[inside])
            td[self._probs][inside] = probs
            td[self._which][inside] = torch.where(probs.sum(-1) > 0, index, NO_ADVICE)
            if advice.values is not None:
                td[self._values][inside] = advice.values
            if self.cfg.teacher_led > 0:
                lead(self.setting, advice, self.cfg.teacher_led, inputs, td)

    def _softened(self, advice: Advice, mask: Tensor | None) -> Tensor:
        """The teacher's probabilities ``[n, A]`` at the temperature, of allowed actions; zeros where none is left."""
        if advice.log_probs is None:
            assert self.setting is not None
            actions = torch.arange(self.setting.policy.spec.num_actions, device=advice.action.device)
            return (advice.action.unsqueeze(-1) == actions).float()
        probs = (advice.log_probs / self.cfg.temperature).softmax(-1)
        if mask is None:
            return probs
        probs = probs * mask
        total = probs.sum(-1, keepdim=True)
        return torch.where(total > 0, probs / total.clamp(min=torch.finfo(torch.float32).tiny), 0.0)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        cfg, log_probs = self.cfg, output["log_probs"]
        if self.weight == 0:
            return LossOutput(log_probs.new_zeros(()), {})
        index, probs = batch[self._which], batch[self._probs]
        advised = batch["valid"] & (index != NO_ADVICE)
        own = (log_probs / cfg.temperature).log_softmax(-1)
        cross = torch.where(probs > 0, probs * own, 0.0)  # masked-out actions may be at minus infinity
        divergence = (torch.xlogy(probs, probs) - cross).sum(-1) * cfg.temperature**2
        error = (output["values"] - batch[self._values]).square()
        action_coefs = own.new_tensor([cfg.action_coef * one.action_coef for one in cfg.teachers])
        value_coefs = own.new_tensor([cfg.value_coef * one.value_coef for one in cfg.teachers])
        index = index.clamp(min=0)
        loss = masked_mean(action_coefs[index] * divergence + value_coefs[index] * error, advised)
        metrics = {"teacher_kl": divergence.detach(), "teacher_value_error": error.detach()}
        return LossOutput(loss, {key: masked_mean(value, advised) for key, value in metrics.items()})

    def rollout_state(self) -> dict[str, Tensor]:
        return {key: value for i, teacher in enumerate(self.teachers) for key, value in teacher.state(f"{i}/").items()}

    def load_rollout_state(self, state: Mapping[str, Tensor]) -> None:
        for i, teacher in enumerate(self.teachers):
            teacher.load_state(f"{i}/", state)


def _teachers(cfg: KickstarterConfig, setting: LossSetting) -> tuple[Teacher, ...]:
    """The teachers on rows next to each other, in the order of the config."""
    teachers: list[Teacher] = []
    taken = 0.0
    for one, share in zip(cfg.teachers, cfg.shares(), strict=True):
        begin, end = round(taken * setting.num_rows), round((taken + share) * setting.num_rows)
        taken += share
        place = f"trainer.losses.{setting.name}.teachers"
        if begin == end:
            raise ConfigError(
                f"{place}: the share {share:g} of {setting.num_rows} rows is none. Give it a larger share."
            )
        teacher = Teacher(one.teacher_uri, setting, begin, end, greedy=cfg.greedy)
        if not teacher.learned and one.value_coef > 0:
            raise ConfigError(f"{place}: {one.teacher_uri} is scripted and knows no values. Set its value_coef to 0.")
        teachers.append(teacher)
    return tuple(teachers)
