"""What an agent is rewarded for."""

from __future__ import annotations

from math import isfinite
from typing import Self

from pydantic import Field, model_validator

from metta.common.config import Config


class RewardsConfig(Config):
    """Weights and caps. An entry contributes ``min(weight * value, cap)``; a step pays the change of their sum.

    ``inventory`` weighs how many units the agent holds now, ``stats`` one of its statistics (``docs/mettagrid.md``).
    Losing what was rewarded takes the reward back. A cap without a weight waits for one.

    >>> RewardsConfig(inventory={"heart": 1.0}, inventory_max={"heart": 100.0}).inventory["heart"]
    1.0
    """

    inventory: dict[str, float] = Field(default={}, description="resource -> reward per unit held")
    inventory_max: dict[str, float] = Field(default={}, description="resource -> most that it can contribute")
    stats: dict[str, float] = Field(default={}, description="agent statistic -> reward per unit")
    stats_max: dict[str, float] = Field(default={}, description="agent statistic -> most that it can contribute")

    @model_validator(mode="after")
    def _values_are_finite(self) -> Self:
        for key in ("inventory", "inventory_max", "stats", "stats_max"):
            for name, value in getattr(self, key).items():
                if not isfinite(value):
                    raise ValueError(
                        f"rewards.{key}.{name}={value}, expected a finite number. To lift a cap, remove it."
                    )
        return self
