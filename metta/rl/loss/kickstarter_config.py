"""Settings of kickstarting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.rl.loss.action_supervised_config import GREEDY, TEACHER_LED, TEACHER_URI
from metta.rl.loss.loss_config import LossConfig


class TeacherConfig(Config):
    """One of the teachers, and the rows that it advises."""

    teacher_uri: str = Field(min_length=1, description=TEACHER_URI)
    share: float | None = Field(
        default=None, gt=0, le=1, description="share of all rows; None: an equal part of what the others leave"
    )
    action_coef: float = Field(default=1.0, ge=0, description="factor of this teacher's divergence")
    value_coef: float = Field(default=1.0, ge=0, description="factor of this teacher's values; 0 for scripted ones")


class KickstarterConfig(LossConfig):
    """Divergence from teachers and distance to their values. ``weight`` is what is usually scheduled, down to 0."""

    implementation: ClassVar[str] = "metta.rl.loss.kickstarter:KickstarterLoss"
    type: Literal["kickstarter"] = "kickstarter"
    teachers: tuple[TeacherConfig, ...] = Field(min_length=1, description="each advises rows of its own")
    action_coef: float = Field(default=1.0, ge=0, description="factor of all divergences")
    value_coef: float = Field(default=1.0, ge=0, description="factor of all squared distances of values")
    temperature: float = Field(default=1.0, gt=0, description="above 1 the less likely actions count for more")
    teacher_led: float = Field(default=0.0, ge=0, le=1, description=TEACHER_LED)
    greedy: bool = Field(default=False, description=GREEDY)

    @property
    def teacher_uris(self) -> Mapping[str, str]:
        return {f"teachers[{i}].teacher_uri": teacher.teacher_uri for i, teacher in enumerate(self.teachers)}

    def shares(self) -> tuple[float, ...]:
        """Each teacher's share of the rows.

        >>> from metta.rl.loss.kickstarter_config import KickstarterConfig as Kickstarter
        >>> one, two = {"teacher_uri": "a.mpt", "share": 0.5}, {"teacher_uri": "b.mpt"}
        >>> Kickstarter(teachers=(one, two, two)).shares()
        (0.5, 0.25, 0.25)
        """
        given = [teacher.share for teacher in self.teachers]
        rest = 1 - sum(share for share in given if share is not None)
        return tuple(rest / given.count(None) if share is None else share for share in given)

    @model_validator(mode="after")
    def _shares_fit(self) -> Self:
        given = [teacher.share for teacher in self.teachers]
        total = sum(share for share in given if share is not None)
        if total > 1 + 1e-9 or (None in given and total > 1 - 1e-9):
            raise ValueError(f"teachers: the shares {given} take {total:g} of the rows; all of them together are 1")
        return self
