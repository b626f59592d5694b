"""Learning a teacher's actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from metta.agent.policy import ExperienceSpec
from metta.rl.loss.action_supervised_config import ActionSupervisedConfig
from metta.rl.loss.base import LED, Loss, LossOutput, LossSetting, masked_mean
from metta.rl.loss.teacher_rows import NO_ADVICE, Teacher, lead
from metta.rl.schedule import Clock


class ActionSupervisedLoss(Loss[ActionSupervisedConfig]):
    """Mean of ``-log pi(a_teacher | o)`` over the valid steps on which the teacher gave advice.

    The teacher sees each observation of the rollout, with a memory of its own. Where the policy acts (``teacher_led:
    0``), the teacher corrects it in the states that it gets into itself: DAgger with one epoch's data, arXiv:1011.0686
    alg. 3.1 with beta = ``teacher_led`` by rows. Where the teacher acts, this is behavioural cloning. There

    - ``act_log_prob`` is the policy's own log-probability of the teacher's action, and ``led`` is true;
    - the actor's loss of PPO leaves the step out: its action was not drawn from the policy, so that the surrogate would
      not estimate the policy's gradient. The critic learns from it: the values of the teacher's behaviour are a start.

    An action that the mask forbids is no advice and is not played. At weight 0 the teacher is not run; it has forgotten
    everything when the weight rises again.

    Metrics: ``teacher_nll``, ``teacher_agreement`` (share of the steps on which the policy's likeliest action is the
    teacher's).
    Source: arXiv:1011.0686 sec. 3.
    """

    reads = ("log_probs",)
    batch_reads = ("valid",)
    acts = True

    def __init__(self, cfg: ActionSupervisedConfig, setting: LossSetting | None = None) -> None:
        super().__init__(cfg, setting)
        self._key = f"{setting.name if setting else 'action_supervised'}/teacher_action"
        self._leads = cfg.teacher_led > 0 or "teacher_led" in cfg.schedules
        self.teachers: tuple[Teacher, ...] = ()
        if setting is not None:
            rows = max(1, round(cfg.share * setting.num_rows))
            self.teachers = (Teacher(cfg.teacher_uri, setting, 0, rows, greedy=cfg.greedy),)
            setting.policy.shows_logits |= self._leads

    @property
    def experience_spec(self) -> ExperienceSpec:
        return {self._key: ((), torch.int64)} | ({LED: ((), torch.bool)} if self._leads else {})

    def begin_epoch(self, clock: Clock) -> dict[str, float]:
        values = super().begin_epoch(clock)
        for teacher in self.teachers:
            teacher.rest_if(self.weight == 0)
        return values

    def act(self, inputs: Mapping[str, Any], td: dict[str, Any]) -> None:
        action: Tensor = td["action"]
        td[self._key] = torch.full_like(action, NO_ADVICE)
        if self._leads and LED not in td:
            td[LED] = torch.zeros_like(action, dtype=torch.bool)
        assert self.setting is not None
        for teacher in self.teachers:
            if teacher.asleep or (advice := teacher.advise(inputs)) is None:
                continue
            td[self._key][advice.inside] = advice.action
            if self.cfg.teacher_led > 0:
                lead(self.setting, advice, self.cfg.teacher_led, inputs, td)

    def forward(self, batch: Mapping[str, Tensor], output: Mapping[str, Tensor]) -> LossOutput:
        log_probs = output["log_probs"]
        if self.weight == 0:
            return LossOutput(log_probs.new_zeros(()), {})
        action = batch[self._key]
        advised = batch["valid"] & (action != NO_ADVICE)
        nll = -log_probs.gather(-1, action.clamp(min=0).unsqueeze(-1)).squeeze(-1)
        loss = masked_mean(nll, advised)
        agreement = masked_mean((log_probs.argmax(-1) == action).float(), advised)
        return LossOutput(loss, {"teacher_nll": loss.detach(), "teacher_agreement": agreement})

    def rollout_state(self) -> dict[str, Tensor]:
        return {key: value for teacher in self.teachers for key, value in teacher.state("teacher/").items()}

    def load_rollout_state(self, state: Mapping[str, Tensor]) -> None:
        for teacher in self.teachers:
            teacher.load_state("teacher/", state)
