"""Settings of the optimizer. Knows no torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Literal, Self, cast

from pydantic import Field, model_validator

from metta.common.config import Config

SCHEDULE_FREE = "adamw_schedulefree"

_ONLY_FOR = {"momentum": "muon", "ns_steps": "muon", "warmup_steps": SCHEDULE_FREE}


class OptimizerConfig(Config):
    """Adam, AdamW, Muon (with AdamW for what is no hidden matrix) or schedule-free AdamW.

    >>> OptimizerConfig(type="adamw_schedulefree").schedule
    'constant'
    """

    type: Literal["adam", "adamw", "muon", "adamw_schedulefree"] = Field(
        default="adam", description="muon: orthogonalised momentum for the weights of hidden layers, AdamW for the rest"
    )
    learning_rate: float = Field(default=3e-3, gt=0, description="at the start of training")
    schedule: Literal["constant", "linear", "cosine"] = Field(
        default="linear",
        description="how the learning rate goes from its start to final_fraction of it; adamw_schedulefree: constant, "
        "unless it is set",
    )
    final_fraction: float = Field(default=0.0, ge=0, le=1, description="share of the learning rate left at the end")
    beta1: float = Field(
        default=0.9, ge=0, lt=1, description="of AdamW; in adamw_schedulefree what mixes both averages"
    )
    beta2: float = Field(default=0.999, ge=0, lt=1)
    eps: float | None = Field(
        default=None,
        gt=0,
        description="added to the root of the mean square; null = what suits the policy: 1e-5 for vit_* and kin, else "
        "1e-8, as larger ones slow down weights that are rarely used",
    )
    weight_decay: float = Field(
        default=0.0, ge=0, description="adam: added to the gradient; all others: taken from the weights directly"
    )
    momentum: float = Field(default=0.95, ge=0, lt=1, description="of muon's matrices")
    ns_steps: int = Field(default=5, ge=1, le=20, description="Newton-Schulz steps that orthogonalise, with muon")
    warmup_steps: int = Field(
        default=0, ge=0, description="optimizer steps in which the rate rises from 0, with adamw_schedulefree"
    )

    @model_validator(mode="before")
    @classmethod
    def _schedule_free_needs_no_schedule(cls, values: Any) -> Any:
        if isinstance(values, Mapping):
            given = cast(Mapping[str, Any], values)
            if given.get("type") == SCHEDULE_FREE and "schedule" not in given:
                return {**given, "schedule": "constant"}
        return values

    @model_validator(mode="after")
    def _check(self) -> Self:
        for name, kind in _ONLY_FOR.items():
            if self.type != kind and getattr(self, name) != type(self).model_fields[name].default:
                raise ValueError(
                    f"trainer.optimizer.{name}={getattr(self, name)} counts with type={kind} only, got "
                    f"type={self.type}. Drop it, or set trainer.optimizer.type={kind}."
                )
        if self.type == SCHEDULE_FREE and self.beta1 == 0:
            raise ValueError(
                f"trainer.optimizer.beta1=0 with type={SCHEDULE_FREE}: weights and their average would be one. "
                "Set trainer.optimizer.beta1 above 0; 0.9 is usual."
            )
        return self

    def learning_rate_at(self, progress: float) -> float:
        """Learning rate when ``progress`` (0 at the start, 1 at the end) of the training is done."""
        return self.learning_rate * self.fraction_at(progress)

    def fraction_at(self, progress: float) -> float:
        """What the schedule multiplies learning rates by."""
        done = min(max(progress, 0.0), 1.0)
        if self.schedule == "constant":
            left = 1.0
        elif self.schedule == "linear":
            left = 1.0 - done
        else:
            left = 0.5 * (1.0 + math.cos(math.pi * done))
        return self.final_fraction + (1.0 - self.final_fraction) * left
