"""Settings of learning a teacher's actions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal

from pydantic import Field

from metta.rl.loss.loss_config import LossConfig

TEACHER_URI = "file://<run>:v<epoch>.mpt, or scripted: mock://arena_teacher, mock://navigation_teacher"
TEACHER_LED = "share of the advised rows on which the teacher acts, not the policy"
GREEDY = "the teacher's likeliest action instead of one drawn from its distribution; scripted ones draw nothing"


class ActionSupervisedConfig(LossConfig):
    """Cross-entropy to a teacher's actions. ``weight`` and ``teacher_led`` are what is usually scheduled."""

    implementation: ClassVar[str] = "metta.rl.loss.action_supervised:ActionSupervisedLoss"
    type: Literal["action_supervised"] = "action_supervised"
    teacher_uri: str = Field(min_length=1, description=TEACHER_URI)
    teacher_led: float = Field(default=0.0, ge=0, le=1, description=TEACHER_LED)
    share: float = Field(default=1.0, gt=0, le=1, description="share of all rows, the first ones, that it advises")
    greedy: bool = Field(default=False, description=GREEDY)

    @property
    def teacher_uris(self) -> Mapping[str, str]:
        return {"teacher_uri": self.teacher_uri}
