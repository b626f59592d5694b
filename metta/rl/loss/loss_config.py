"""What the config of every loss has. Knows no torch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import Field, model_validator

from metta.common.config import Config
from metta.common.errors import ConfigError
from metta.common.suggest import did_you_mean
from metta.rl.schedule import ScheduleConfig


class LossConfig(Config):
    """What every loss has. A subclass adds ``type`` (a Literal) and ``implementation``."""

    implementation: ClassVar[str]
    """The loss class, as ``module:Class``: it is imported when the loss is built, because it needs torch."""
    claims: ClassVar[tuple[str, ...]] = ()
    """What this loss alone means to train: ``actor``, ``critic``. Two types that claim one are refused."""

    enabled: bool = Field(default=True, description="false leaves this loss out")
    weight: float = Field(default=1.0, ge=0, description="factor of this loss in the total")
    schedules: Mapping[str, ScheduleConfig] = Field(
        default_factory=dict[str, ScheduleConfig],
        description="coefficients of this loss that change: name of the coefficient -> schedule",
    )

    @property
    def kind(self) -> str:
        """The loss's ``type``: its name, unless it is one of several."""
        return str(getattr(self, "type"))  # noqa: B009 - each subclass has its own Literal

    @property
    def teacher_uris(self) -> Mapping[str, str]:
        """Policies that this loss learns from, by the key that names each."""
        return {}

    @model_validator(mode="after")
    def _check_schedules(self) -> Self:
        fields = {name: info for name, info in type(self).model_fields.items() if _is_number(info.annotation)}
        for name, schedule in self.schedules.items():
            if name not in fields:
                hint = did_you_mean(name, fields)
                raise ValueError(f"schedules: {name!r} is no number of this loss.{hint} It has {', '.join(fields)}.")
            rest = self.model_dump(exclude={"schedules"})
            for _, value in schedule.points:
                try:
                    type(self).model_validate({**rest, name: value})
                except ConfigError as error:
                    raise ValueError(f"schedules.{name}: {error}") from error
        return self


def _is_number(annotation: object) -> bool:
    return annotation is float or annotation == float | None
